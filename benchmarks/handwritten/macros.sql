-- What the query says often. NULL is unknown; a verdict is 0 not applicable, 1 satisfied, 2 unknown, 3 violated.
CREATE OR REPLACE MACRO verdict(applies, requires) AS
  CASE WHEN applies THEN CASE WHEN requires THEN 1::UTINYINT WHEN NOT (requires) THEN 3::UTINYINT ELSE 2::UTINYINT END
       WHEN NOT (applies) THEN 0::UTINYINT ELSE 2::UTINYINT END;

-- Numbers are compared in whole millionths.
CREATE OR REPLACE MACRO le(a, b) AS floor((a) * 1e6 + 0.5) <= floor((b) * 1e6 + 0.5);
CREATE OR REPLACE MACRO lt(a, b) AS floor((a) * 1e6 + 0.5) < floor((b) * 1e6 + 0.5);
CREATE OR REPLACE MACRO eq(a, b) AS floor((a) * 1e6 + 0.5) = floor((b) * 1e6 + 0.5);
CREATE OR REPLACE MACRO near(a, b, allowance) AS le(abs((a) - (b)), allowance);

-- Whether it is stated that there is none, and whether there is a record; the column beside a fact says why not.
CREATE OR REPLACE MACRO no(x, why) AS CASE WHEN x IS NOT NULL THEN false WHEN why = 'none' THEN true END;
CREATE OR REPLACE MACRO no_word(x) AS x = 'none';
CREATE OR REPLACE MACRO on_record(x, why) AS
  CASE WHEN x IS NOT NULL THEN true WHEN why IS NULL OR why = 'none' THEN false
       WHEN starts_with(why, 'conflict') THEN true END;
CREATE OR REPLACE MACRO word_on_record(x) AS coalesce(x <> 'none', false);

-- A list is whole if its rows, or that there are none, are given; a sum over another is unknown. NaN goes through
-- sums and stands for a row that counts, or may count, without a value.
CREATE OR REPLACE MACRO whole(list) AS coalesce(list IN ('listed', 'none'), false);
CREATE OR REPLACE MACRO part(counts, x) AS
  CASE WHEN NOT (counts) THEN 0 WHEN counts THEN coalesce(x, 'NaN'::DOUBLE) ELSE 'NaN'::DOUBLE END;
CREATE OR REPLACE MACRO known(list, total) AS
  CASE WHEN whole(list) AND NOT isnan(coalesce(total, 0)) THEN coalesce(total, 0) END;
CREATE OR REPLACE MACRO any_of(list, highest) AS
  CASE WHEN highest = 2 THEN true WHEN whole(list) AND coalesce(highest, 0) = 0 THEN false END;
CREATE OR REPLACE MACRO truth(x) AS CASE WHEN x THEN 2 WHEN NOT (x) THEN 0 ELSE 1 END::UTINYINT;
CREATE OR REPLACE MACRO lifted(list, v) AS
  greatest(coalesce(v, 0), CASE WHEN whole(list) THEN 0 ELSE 2 END)::UTINYINT;

-- Premium minutes of the week before a minute: before 07:00 and from 19:00, Saturday and Sunday.
CREATE OR REPLACE MACRO premium_before(t) AS
  6480 * floor(t / 10080)
  + 720 * least(floor((t - 10080 * floor(t / 10080)) / 1440), 5)
  + 1440 * greatest(floor((t - 10080 * floor(t / 10080)) / 1440) - 5, 0)
  + CASE WHEN floor((t - 10080 * floor(t / 10080)) / 1440) >= 5 THEN t - 1440 * floor(t / 1440)
         ELSE least(t - 1440 * floor(t / 1440), 420) + greatest(t - 1440 * floor(t / 1440) - 1140, 0) END;
CREATE OR REPLACE MACRO premium_between(opens, closes) AS
  CASE WHEN opens < 10080 THEN premium_before(closes) - premium_before(opens)
       WHEN closes <= 11520 + 420 THEN closes - opens END;
CREATE OR REPLACE MACRO span(starts, ends) AS CASE WHEN ends > starts THEN ends - starts ELSE ends - starts + 1440 END;
CREATE OR REPLACE MACRO wrap(x, n) AS (x) - (n) * floor((x) / (n));
CREATE OR REPLACE MACRO months_later(d, n) AS (d + to_months(n))::DATE;

-- One or the other; unknown where it is not known which.
CREATE OR REPLACE MACRO pick(c, yes, otherwise) AS CASE WHEN c THEN yes WHEN NOT (c) THEN otherwise END;
CREATE OR REPLACE MACRO as_rows(stated, claimed, rota, p, u) AS
  ((p AND u) OR rota = 0) AND near(stated, claimed, 0.05)
  OR NOT p AND NOT u AND near(stated - claimed, rota, 0.05)
  OR CASE WHEN NOT (p <> u AND le(claimed - 0.05, stated) AND le(stated, claimed + rota + 0.05)) THEN false END;

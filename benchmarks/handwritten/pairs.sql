-- Rows that stand at one time of the week: two rules on pairs. Rows with times are joined by the days that they
-- touch; those without (they may meet any) by plan.
CREATE OR REPLACE TEMP TABLE slots AS
SELECT p.P, 1 AS what, a.file_row_number AS row, coalesce(a.category = 'TRAVEL', false) AS travels,
  a.how_often, a.cycle_weeks AS cycle, a.weeks, (a.weekday - 1) * 1440 + a.starts AS opens,
  CASE WHEN a.how_often IS NULL OR no(a.starts, a.starts_is) IS NULL THEN NULL
       WHEN a.how_often = 'hours' THEN a.hours_a_week * 60
       WHEN no(a.starts, a.starts_is) THEN a.hours_each * 60
       WHEN a.ends IS NOT NULL THEN span(a.starts, a.ends) END AS lasts,
  NOT no(a.starts, a.starts_is) AND a.weekday <= 7
    AND CASE WHEN a.category = 'none' THEN a.is_outside_plan ELSE a.category <> 'OFF' END AS has_place
FROM read_parquet(getvariable('folder') || '/activity.parquet', file_row_number = true) AS a JOIN plan AS p ON p.id = a.plan
UNION ALL
SELECT p.P, 2, w.file_row_number, false, w.how_often, w.cycle_weeks, w.weeks, (w.weekday - 1) * 1440 + w.starts,
  CASE WHEN w.how_often IS NULL THEN NULL WHEN w.how_often = 'hours' THEN w.hours_a_week * 60
       WHEN w.ends IS NOT NULL AND w.starts IS NOT NULL THEN span(w.starts, w.ends) END,
  w.weekday <= 7
FROM read_parquet(getvariable('folder') || '/private_practice.parquet', file_row_number = true) AS w JOIN plan AS p ON p.id = w.plan
UNION ALL
SELECT p.P, 3, w.file_row_number, false, w.how_often, w.cycle_weeks, w.weeks, (w.weekday - 1) * 1440 + w.starts,
  CASE WHEN w.how_often IS NULL THEN NULL WHEN w.how_often = 'hours' THEN w.hours_a_week * 60
       WHEN w.ends IS NOT NULL AND w.starts IS NOT NULL THEN span(w.starts, w.ends) END,
  w.weekday <= 7
FROM read_parquet(getvariable('folder') || '/fee_work.parquet', file_row_number = true) AS w JOIN plan AS p ON p.id = w.plan;

CREATE OR REPLACE TEMP TABLE turns AS
SELECT P, what, row, travels, opens, lasts, 1 AS cycle, 1 AS week
FROM slots WHERE how_often = 'weekly' AND has_place
UNION ALL
SELECT P, what, row, travels, opens, lasts, cycle, unnest(weeks)
FROM slots WHERE how_often IN ('cycle', 'cycle_covered') AND has_place;

CREATE OR REPLACE TEMP TABLE turns_open AS
SELECT P FROM slots
WHERE (how_often IS NULL AND has_place IS NOT FALSE)
   OR (has_place IS NULL AND how_often IN ('weekly', 'cycle', 'cycle_covered'))
   OR (how_often IN ('cycle', 'cycle_covered') AND has_place AND weeks IS NULL)
GROUP BY P;

CREATE OR REPLACE TEMP TABLE pair_sums AS
WITH days AS (
  SELECT *, unnest(generate_series(floor(opens / 1440)::INTEGER, floor((opens + lasts - 1) / 1440)::INTEGER)) % 7 AS day
  FROM turns WHERE opens IS NOT NULL AND lasts IS NOT NULL
),
pairs AS (
  SELECT a.P, true AS there, a.what AS aw, b.what AS bw, a.travels OR b.travels AS travels, a.cycle AS an,
    b.cycle AS bn, a.week AS ak, b.week AS bk
  FROM days AS a JOIN days AS b
    ON a.P = b.P AND a.day = b.day AND (a.what < b.what OR (a.what = b.what AND a.row < b.row))
  WHERE wrap(b.opens - a.opens, 10080) < a.lasts OR wrap(a.opens - b.opens, 10080) < b.lasts
  UNION ALL
  SELECT a.P, wrap(b.opens - a.opens, 10080) < a.lasts OR wrap(a.opens - b.opens, 10080) < b.lasts, a.what, b.what,
    a.travels OR b.travels, a.cycle, b.cycle, a.week, b.week
  FROM turns AS a JOIN turns AS b ON a.P = b.P AND (a.what <> b.what OR a.row <> b.row)
  WHERE (a.opens IS NULL OR a.lasts IS NULL)
    AND coalesce(wrap(b.opens - a.opens, 10080) < a.lasts OR wrap(a.opens - b.opens, 10080) < b.lasts, true)
),
meeting AS (
  SELECT P, there,
    CASE WHEN an = 1 OR bn = 1 THEN true WHEN (an = 1 OR bn = 1) IS NULL THEN NULL
         WHEN an = floor(an) AND bn = floor(bn) THEN wrap(ak - bk, gcd(an::BIGINT, bn::BIGINT)) = 0 END AS same_week,
    NOT travels AND ((aw = 1 AND bw = 1) OR (aw <> 1 AND bw <> 1)) AS paid
  FROM pairs
)
SELECT P, max(verdict(there, NOT same_week)) AS "counted-twice", max(verdict(there AND paid, NOT same_week)) AS "paid-twice"
FROM meeting GROUP BY P;

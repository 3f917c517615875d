-- Rotas, extra PAs, and the small relations: sums and verdicts of each plan.
CREATE OR REPLACE TEMP TABLE rota_sums AS
WITH periods AS (
  SELECT plan, parent, sum(part(NOT no(claimed_units, claimed_units_is), claimed_units)) AS units
  FROM read_parquet(getvariable('folder') || '/on_call_period.parquet') GROUP BY plan, parent
),
rotas AS (
  SELECT r.plan, r.predictable_plain_hours AS a, r.predictable_premium_hours AS b, r.unpredictable_plain_hours AS c,
    r.unpredictable_premium_hours AS d, known(r.on_call_period, q.units) AS period_units, r.claimed_units,
    no(r.claimed_units, r.claimed_units_is) AS no_claim
  FROM read_parquet(getvariable('folder') || '/on_call.parquet') AS r
  LEFT JOIN periods AS q ON q.plan = r.plan AND q.parent = r.id
)
SELECT plan,
  sum(part(true, a / 4 + b / 3)) AS predictable_units, sum(part(true, c / 4 + d / 3)) AS unpredictable_units,
  sum(part(true, a + b)) AS predictable_hours, sum(part(true, c + d)) AS unpredictable_hours,
  sum(part(true, (b + d) / 3)) AS premium_units,
  sum(part(true, CASE WHEN no_claim THEN period_units WHEN NOT no_claim THEN claimed_units END)) AS claimed_units,
  sum(part(true, period_units)) AS claimed_period_units
FROM rotas GROUP BY plan;

CREATE OR REPLACE TEMP TABLE extra_sums AS
SELECT plan, sum(part(true, units)) AS units, max(truth(reason <> 'none' AND reason = 'training')) AS for_training,
  sum(part(reason <> 'none' AND reason = 'spare_capacity', units)) AS spare_units
FROM read_parquet(getvariable('folder') || '/extra_pa.parquet') GROUP BY plan;

CREATE OR REPLACE TEMP TABLE supervision_sums AS
SELECT s.plan,
  sum(part(s.kind = 'educational', s.trainees)) AS trainees,
  max(truth(s.kind = 'clinical')) AS clinical, sum(part(s.kind = 'clinical', s.claimed_units)) AS clinical_units,
  max(truth(s.kind = 'undergraduate_teaching')) AS undergraduate,
  sum(part(s.kind = 'undergraduate_teaching', s.claimed_units)) AS undergraduate_units,
  max(verdict(s.kind = 'educational', le(s.trainees * 0.25, s.claimed_units))) AS "educational-supervision-time",
  max(verdict(
    s.kind = 'educational',
    s.category <> 'none' AND s.category = 'SPA' OR any_of(p.extra_pa, e.for_training)
  )) AS "educational-supervision-in-spa",
  max(verdict(s.kind = 'appraisal', le(0.25, s.claimed_units))) AS "appraiser-time",
  max(verdict(
    s.kind = 'educational' AND NOT no(s.claimed_tariff, s.claimed_tariff_is), eq(s.claimed_tariff, 0.25)
  )) AS "tariff-of-the-employer"
FROM read_parquet(getvariable('folder') || '/supervision.parquet') AS s
JOIN plan AS p ON p.id = s.plan LEFT JOIN extra_sums AS e ON e.plan = s.plan GROUP BY s.plan;

CREATE OR REPLACE TEMP TABLE employer_sums AS
SELECT plan, max(truth(kind = 'university')) AS university,
  sum(part(kind IN ('nhs_trust', 'foundation_trust', 'health_board', 'health_and_social_care_trust'), 1)) AS nhs,
  sum(part(is_lead AND kind IN ('nhs_trust', 'foundation_trust', 'health_board', 'health_and_social_care_trust'), 1))
    AS lead,
  count(*) AS listed, max(verdict(true, shares_information)) AS shares
FROM read_parquet(getvariable('folder') || '/employer.parquet') GROUP BY plan;

CREATE OR REPLACE TEMP TABLE objective_sums AS
SELECT o.plan, count(*) AS listed, max(verdict(p.status IN ('agreed', 'signed_off'), o.is_agreed)) AS "objective-agreed",
  max(verdict(true, o.is_resourced)) AS "objective-resourced",
  max(verdict(true, word_on_record(o.measure))) AS "objective-has-measure",
  max(verdict(true, on_record(o.due_on, o.due_on_is))) AS "objective-has-date"
FROM read_parquet(getvariable('folder') || '/objective.parquet') AS o JOIN plan AS p ON p.id = o.plan GROUP BY o.plan;

CREATE OR REPLACE TEMP TABLE small_sums AS
SELECT coalesce(d.plan, y.plan, u.plan, r.plan, v.plan) AS plan, d.* EXCLUDE (plan), y.* EXCLUDE (plan),
  u.* EXCLUDE (plan), r.* EXCLUDE (plan), v.* EXCLUDE (plan)
FROM (
  SELECT plan, max(verdict(true, covers_full_cycle)) AS "diary-long-enough",
    max(verdict(true, CASE WHEN on_record(prompted_review_on, prompted_review_on_is) THEN true END))
      AS "diary-difference-reviewed"
  FROM read_parquet(getvariable('folder') || '/diary.parquet') GROUP BY plan
) AS d
FULL JOIN (
  SELECT plan, count(*) AS duties FROM read_parquet(getvariable('folder') || '/duty.parquet') GROUP BY plan
) AS y ON y.plan = d.plan
FULL JOIN (
  SELECT plan, count(*) AS resources FROM read_parquet(getvariable('folder') || '/resource.parquet') GROUP BY plan
) AS u ON u.plan = coalesce(d.plan, y.plan)
FULL JOIN (
  SELECT plan, max(verdict(is_managerial, word_on_record(title) OR word_on_record(role)))
    AS "managerial-responsibility-named"
  FROM read_parquet(getvariable('folder') || '/responsibility.parquet') GROUP BY plan
) AS r ON r.plan = coalesce(d.plan, y.plan, u.plan)
FULL JOIN (
  SELECT plan, count(*) AS private_rows FROM read_parquet(getvariable('folder') || '/private_practice.parquet')
  GROUP BY plan
) AS v ON v.plan = coalesce(d.plan, y.plan, u.plan, r.plan);

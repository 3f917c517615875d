-- Rows of the timetable: their columns, then sums and verdicts of each plan. 15 rules on rows. Without MATERIALIZED
-- DuckDB 2.0 puts the columns of each step into every expression of the next, and takes ten times as long.
CREATE OR REPLACE TEMP TABLE plan AS
SELECT file_row_number::INTEGER AS P, id, status, extra_pa, premium_reduction_hours, deals_routinely_with_emergencies,
  standard_working_weeks, principal_place
FROM read_parquet(getvariable('folder') || '/plan.parquet', file_row_number = true);

CREATE OR REPLACE TEMP TABLE row_sums AS
WITH facts AS (
  SELECT p.P, a.title, a.category, a.kind, a.weekday, a.starts, a.starts_is, a.ends, a.session, a.session_is,
    a.hours_each, a.how_often, a.cycle_weeks, a.turns, a.times_a_year, a.times_a_month, a.times_a_quarter,
    a.hours_a_week, a.hours_a_year, a.year_of_weeks, a.cover_factor, a.place, a.site, a.site_is, a.is_emergency,
    a.arises_from_on_call, a.premium_agreed_on, a.premium_agreed_on_is, a.premium_taken_as,
    a.premium_enhancement_percent, a.premium_enhancement_agreed_on, a.premium_enhancement_agreed_on_is,
    a.claimed_units, a.claimed_units_is, a.claimed_hours, a.claimed_hours_is, a.claimed_yearly_units,
    a.claimed_yearly_units_is, p.premium_reduction_hours, p.deals_routinely_with_emergencies,
    p.standard_working_weeks, p.principal_place,
    no(a.starts, a.starts_is) AS no_times,
    a.category <> 'none' AND a.category IN ('DCC', 'SPA', 'ANR', 'EXT') AS in_category,
    (a.weekday - 1) * 1440 + a.starts AS opens
  FROM read_parquet(getvariable('folder') || '/activity.parquet') AS a JOIN plan AS p ON a.plan = p.id
),
lengths AS (
  SELECT *,
    in_category AND how_often <> 'inside' AS counts,
    CASE WHEN how_often IS NULL THEN NULL
         WHEN how_often = 'hours' THEN hours_a_week * 60
         WHEN no_times IS NULL THEN NULL
         WHEN no_times THEN hours_each * 60
         WHEN ends IS NOT NULL THEN span(starts, ends) END AS lasts,
    CASE how_often
      WHEN 'weekly' THEN 1 WHEN 'hours' THEN 1 WHEN 'inside' THEN 0
      WHEN 'cycle' THEN turns / cycle_weeks
      WHEN 'cycle_covered' THEN turns / cycle_weeks * cover_factor
      WHEN 'yearly' THEN times_a_year / year_of_weeks
      WHEN 'monthly' THEN times_a_month * 12 / year_of_weeks
      WHEN 'quarterly' THEN times_a_quarter * 4 / year_of_weeks END AS per_week
  FROM facts
),
premium AS MATERIALIZED (
  SELECT *,
    CASE WHEN how_often IS NULL THEN NULL
         WHEN how_often = 'hours' THEN 0
         WHEN no_times IS NULL THEN NULL
         WHEN NOT no_times THEN premium_between(opens, opens + lasts)
         WHEN weekday IS NULL THEN NULL
         WHEN weekday >= 6 THEN lasts
         WHEN session IN ('am', 'pm', 'day') THEN 0 END AS premium_minutes
  FROM lengths
),
worked AS (
  SELECT *,
    (lasts - premium_minutes) / 240 + premium_minutes / 180 AS units,
    lasts / 60 AS hours,
    counts AND NOT no(claimed_units, claimed_units_is) AS claims,
    counts AND how_often IN ('yearly', 'monthly', 'quarterly') AS by_year,
    counts AND premium_minutes > 0 AND premium_taken_as <> 'none' AND premium_taken_as = 'pay_enhancement' AS enhanced
  FROM premium
)
SELECT P,
  sum(part(counts, units * per_week)) AS row_units,
  sum(part(category = 'DCC' AND counts, units * per_week)) AS row_dcc_units,
  sum(part(category = 'SPA' AND counts, units * per_week)) AS row_spa_units,
  sum(part(category = 'ANR' AND counts, units * per_week)) AS row_anr_units,
  sum(part(category = 'EXT' AND counts, units * per_week)) AS row_ext_units,
  sum(part(counts, hours * per_week)) AS row_hours,
  sum(part(counts, premium_minutes / 180 * per_week)) AS row_premium_units,
  sum(part(counts, premium_minutes / 60 * per_week)) AS row_premium_hours,
  sum(part(counts, (lasts - premium_minutes) / 60 * per_week)) AS row_plain_hours,
  sum(part(claims, claimed_units)) AS claimed_row_units,
  sum(part(category = 'DCC' AND claims, claimed_units)) AS claimed_row_dcc_units,
  sum(part(category = 'SPA' AND claims, claimed_units)) AS claimed_spa_units,
  sum(part(category = 'ANR' AND claims, claimed_units)) AS claimed_anr_units,
  sum(part(category = 'EXT' AND claims, claimed_units)) AS claimed_ext_units,
  sum(part(by_year, 1)) AS rows_by_year,
  count(*) AS activities_listed,
  max(truth(counts AND kind = 'on_call_predictable')) AS predictable_in_rows,
  max(truth(counts AND kind = 'on_call_unpredictable')) AS unpredictable_in_rows,
  max(truth(weekday >= 1 OR how_often IN ('hours', 'yearly', 'monthly', 'quarterly'))) AS has_timetable,

  max(verdict(
    claims,
    near(claimed_units, units * per_week, 0.005)
    OR (word_on_record(premium_taken_as) AND premium_taken_as <> 'none'
        AND premium_taken_as IN ('pay_enhancement', 'hour_off_another')
        AND near(claimed_units, hours / 4 * per_week, 0.005))
    OR (premium_reduction_hours IS NOT NULL AND premium_minutes = 0 AND lt(units * per_week, claimed_units)
        AND le(claimed_units - units * per_week, claimed_units / 4 + 0.005)
        AND le(claimed_units - units * per_week, premium_reduction_hours / 4 + 0.005))
  )) AS "claimed-units-add-up",
  max(verdict(
    counts AND NOT no(claimed_hours, claimed_hours_is), near(claimed_hours, hours * per_week, 0.1)
  )) AS "claimed-hours-add-up",
  max(verdict(
    counts AND how_often = 'yearly' AND NOT no(claimed_yearly_units, claimed_yearly_units_is),
    near(claimed_yearly_units, units * times_a_year, 0.5)
  )) AS "yearly-units-add-up",
  max(verdict(by_year, year_of_weeks IS NOT NULL)) AS "irregular-work-names-its-year",
  max(verdict(by_year, eq(year_of_weeks, standard_working_weeks))) AS "one-divisor",
  max(verdict(
    enhanced AND claims, le(claimed_units, hours / 4 * per_week + 0.005)
  )) AS "enhancement-instead-of-time",
  max(verdict(
    enhanced, on_record(premium_enhancement_agreed_on, premium_enhancement_agreed_on_is)
  )) AS "enhancement-agreed",
  max(verdict(
    enhanced, near(premium_enhancement_percent, 33.333333, 0.5)
  )) AS "enhancement-time-and-a-third",
  max(verdict(
    counts AND NOT is_emergency AND weekday <= 7 AND premium_minutes > 0,
    on_record(premium_agreed_on, premium_agreed_on_is)
  )) AS "elective-premium-agreed",
  max(verdict(
    counts AND deals_routinely_with_emergencies AND is_emergency AND NOT arises_from_on_call AND weekday <= 7
      AND premium_minutes > 0,
    on_record(premium_agreed_on, premium_agreed_on_is)
  )) AS "emergency-specialty-premium-agreed",
  max(verdict(
    counts AND NOT is_emergency AND weekday = 8,
    CASE WHEN on_record(premium_agreed_on, premium_agreed_on_is) THEN true END
  )) AS "holiday-consent-not-settled",
  max(verdict(in_category, word_on_record(title) OR kind IS NOT NULL)) AS "activity-says-what",
  max(verdict(
    in_category,
    weekday IS NOT NULL AND (on_record(starts, starts_is) OR on_record(session, session_is) OR hours_each IS NOT NULL)
    OR how_often IN ('hours', 'yearly', 'monthly', 'quarterly', 'inside')
  )) AS "activity-says-when",
  max(verdict(
    in_category,
    word_on_record(place) OR CASE WHEN site IS NOT NULL THEN site <> 'none' WHEN site_is IS NULL THEN false END
    OR word_on_record(principal_place)
  )) AS "activity-says-where",
  max(verdict(
    in_category,
    on_record(starts, starts_is) AND ends IS NOT NULL OR hours_each IS NOT NULL OR hours_a_week IS NOT NULL
    OR hours_a_year IS NOT NULL OR on_record(claimed_units, claimed_units_is)
    OR on_record(claimed_hours, claimed_hours_is) OR on_record(claimed_yearly_units, claimed_yearly_units_is)
    OR how_often = 'inside'
  )) AS "activity-says-how-much"
FROM worked GROUP BY P;

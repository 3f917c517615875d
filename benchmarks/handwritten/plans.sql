-- The plan: measures, then one verdict a rule. A rule on rows is lifted to unknown where its list is not whole.
CREATE OR REPLACE TEMP TABLE measures AS
WITH sums AS (
  SELECT p.file_row_number::INTEGER AS P, p.id,
    known(p.activity, s.row_units) AS row_units, known(p.activity, s.row_dcc_units) AS row_dcc_units,
    known(p.activity, s.row_spa_units) AS row_spa_units, known(p.activity, s.row_anr_units) AS row_anr_units,
    known(p.activity, s.row_ext_units) AS row_ext_units, known(p.activity, s.row_hours) AS row_hours,
    known(p.activity, s.row_premium_units) AS row_premium_units,
    known(p.activity, s.row_premium_hours) AS row_premium_hours,
    known(p.activity, s.row_plain_hours) AS row_plain_hours,
    known(p.activity, s.claimed_row_units) AS claimed_row_units,
    known(p.activity, s.claimed_row_dcc_units) AS claimed_row_dcc_units,
    known(p.activity, s.claimed_spa_units) AS claimed_spa_units,
    known(p.activity, s.claimed_anr_units) AS claimed_anr_units,
    known(p.activity, s.claimed_ext_units) AS claimed_ext_units,
    known(p.activity, s.rows_by_year) AS rows_by_year, known(p.activity, s.activities_listed) AS activities_listed,
    any_of(p.activity, s.predictable_in_rows) AS predictable_in_rows,
    any_of(p.activity, s.unpredictable_in_rows) AS unpredictable_in_rows,
    any_of(p.activity, s.has_timetable) AS plan_has_timetable,
    known(p.on_call, r.predictable_units) AS rota_predictable_units,
    known(p.on_call, r.unpredictable_units) AS rota_unpredictable_units,
    known(p.on_call, r.predictable_hours) AS rota_predictable_hours,
    known(p.on_call, r.unpredictable_hours) AS rota_unpredictable_hours,
    known(p.on_call, r.premium_units) AS rota_premium_units,
    known(p.on_call, r.claimed_units) AS claimed_on_call_units,
    known(p.on_call, r.claimed_period_units) AS claimed_on_call_period_units,
    known(p.extra_pa, e.units) AS extra_units, known(p.extra_pa, e.spare_units) AS spare_capacity_units,
    known(p.supervision, v.trainees) AS educational_trainees,
    any_of(p.supervision, v.clinical) AS supervises_clinically,
    known(p.supervision, v.clinical_units) AS clinical_supervision_units,
    any_of(p.supervision, v.undergraduate) AS teaches_undergraduates,
    any_of(p.employer, m.university) AS university_employs,
    known(p.employer, m.nhs) AS nhs_employers, known(p.employer, m.lead) AS lead_employers,
    known(p.objective, o.listed) AS objectives_listed, known(p.resource, t.resources) AS resources_listed,
    known(p.duty, t.duties) AS duties_listed, known(p.private_practice, t.private_rows) AS private_rows_listed
  FROM read_parquet(getvariable('folder') || '/plan.parquet', file_row_number = true) AS p
  LEFT JOIN row_sums AS s ON s.P = p.file_row_number
  LEFT JOIN rota_sums AS r ON r.plan = p.id
  LEFT JOIN extra_sums AS e ON e.plan = p.id
  LEFT JOIN supervision_sums AS v ON v.plan = p.id
  LEFT JOIN employer_sums AS m ON m.plan = p.id
  LEFT JOIN objective_sums AS o ON o.plan = p.id
  LEFT JOIN small_sums AS t ON t.plan = p.id
),
called AS (
  SELECT *,
    pick(rota_predictable_units = 0 OR predictable_in_rows, 0, rota_predictable_units)
      + pick(rota_unpredictable_units = 0 OR unpredictable_in_rows, 0, rota_unpredictable_units)
      AS on_call_units_beside_rows,
    pick(rota_predictable_hours = 0 OR predictable_in_rows, 0, rota_predictable_hours)
      + pick(rota_unpredictable_hours = 0 OR unpredictable_in_rows, 0, rota_unpredictable_hours) AS on_call_hours
  FROM sums
)
SELECT *, row_units + on_call_units_beside_rows AS worked_total_units,
  row_dcc_units + on_call_units_beside_rows AS worked_dcc_units, row_hours + on_call_hours AS worked_total_hours,
  row_premium_units + rota_premium_units AS most_premium_units,
  100 * (row_dcc_units + on_call_units_beside_rows) / nullif(row_units + on_call_units_beside_rows, 0)
    AS clinical_percent,
  100 * row_spa_units / nullif(row_units + on_call_units_beside_rows, 0) AS supporting_percent
FROM called;

CREATE OR REPLACE TEMP TABLE verdicts AS
WITH facts AS (
  SELECT p.*, m.* EXCLUDE (id),
    m.row_premium_units AS premium_total,
    p.status IN ('agreed', 'signed_off') AS plan_is_agreed,
    no(p.plan_agreed_on, p.plan_agreed_on_is) AS no_agreement,
    pick(no(p.until_on, p.until_on_is), getvariable('today'),
         CASE WHEN p.until_on IS NOT NULL THEN least(getvariable('today'), p.until_on) END) AS plan_counted_to,
    pick(no(p.last_review_on, p.last_review_on_is), p.from_on, p.last_review_on) AS review_counted_from,
    p.is_locum AND NOT p.appointed_by_committee AS locum_is_exempt,
    NOT p.is_foundation_trust OR p.employer_type = 'nhs_trust' AS locum_regulations_bind,
    p.is_foundation_trust OR p.employer_type = 'foundation_trust' AS locum_regulations_followed,
    NOT no(p.locum_extended_on, p.locum_extended_on_is) AS locum_was_extended,
    no(p.appointment_ends_on, p.appointment_ends_on_is) AS no_end,
    p.is_academic OR m.university_employs AS is_academic_post
  FROM read_parquet(getvariable('folder') || '/plan.parquet', file_row_number = true) AS p
  JOIN measures AS m ON m.P = p.file_row_number
)
SELECT f.id AS plan,
  -- the unit of work
  verdict(full_time, eq(contracted_units, 10)) AS "full-time-units",
  verdict(full_time, le(basic_hours, 40)) AS "full-time-hours-at-most",
  verdict(full_time,
    le(40, basic_hours) OR le(40 - premium_total, basic_hours)
    OR le(40 - most_premium_units, basic_hours)
       AND CASE WHEN rota_premium_units = 0 OR NOT predictable_in_rows AND NOT unpredictable_in_rows THEN true END
  ) AS "full-time-hours-fewer-by-premium",
  verdict(NOT full_time, lt(contracted_units, 10)) AS "part-time-below-ten",
  verdict(rows_by_year > 0, eq(standard_working_weeks, 42)) AS "usual-working-weeks",
  verdict(is_annualised, rows_by_year >= 1) AS "annualised-plan-counts-by-year",
  verdict(true, near(worked_total_units, contracted_units + extra_units, 0.05)) AS "categories-add-up",
  verdict(NOT no(stated_total_units, stated_total_units_is),
    near(stated_total_units, contracted_units + extra_units, 0.05)) AS "stated-total-as-contracted",
  verdict(NOT no(stated_table_units, stated_table_units_is) AND NOT no(stated_total_units, stated_total_units_is),
    near(stated_table_units, stated_total_units, 0.05)) AS "printed-totals-agree",
  verdict(
    NOT no(stated_total_units, stated_total_units_is) AND NOT no(stated_dcc_units, stated_dcc_units_is)
      AND NOT no(stated_spa_units, stated_spa_units_is),
    le(stated_dcc_units + stated_spa_units, stated_total_units + 0.05)
    AND near(
      stated_dcc_units + stated_spa_units + pick(no(stated_anr_units, stated_anr_units_is), 0, stated_anr_units)
      + pick(no(stated_ext_units, stated_ext_units_is), 0, stated_ext_units), stated_total_units, 0.05)
  ) AS "printed-categories-add-up",
  verdict(full_time, near(worked_dcc_units - extra_units, 7.5, 0.05)
    OR on_record(spa_split_agreed_on, spa_split_agreed_on_is)) AS "typical-clinical-split",
  verdict(full_time, near(row_spa_units, 2.5, 0.05)
    OR on_record(spa_split_agreed_on, spa_split_agreed_on_is)) AS "typical-supporting-split",
  verdict(NOT work_matches_plan, on_record(interim_review_asked_on, interim_review_asked_on_is)
    OR on_record(interim_review_on, interim_review_on_is)) AS "mismatch-prompts-review",
  verdict(true, le(worked_total_units, 12)) AS "twelve-on-average",
  verdict(NOT no(stated_total_units, stated_total_units_is), near(stated_total_units, worked_total_units, 0.05))
    AS "stated-total-as-worked-out",
  verdict(NOT no(stated_table_units, stated_table_units_is), near(stated_table_units, row_units, 0.05))
    AS "stated-table-as-worked-out",
  verdict(NOT no(stated_dcc_units, stated_dcc_units_is), near(stated_dcc_units, worked_dcc_units, 0.05))
    AS "stated-dcc-as-worked-out",
  verdict(NOT no(stated_spa_units, stated_spa_units_is), near(stated_spa_units, row_spa_units, 0.05))
    AS "stated-spa-as-worked-out",
  verdict(NOT no(stated_anr_units, stated_anr_units_is), near(stated_anr_units, row_anr_units, 0.05))
    AS "stated-anr-as-worked-out",
  verdict(NOT no(stated_ext_units, stated_ext_units_is), near(stated_ext_units, row_ext_units, 0.05))
    AS "stated-ext-as-worked-out",
  verdict(NOT no(stated_hours, stated_hours_is), near(stated_hours, worked_total_hours, 0.1))
    AS "stated-hours-as-worked-out",
  verdict(NOT no(stated_clinical_percent, stated_clinical_percent_is),
    near(stated_clinical_percent, clinical_percent, 0.5)) AS "stated-clinical-percent-as-worked-out",
  verdict(NOT no(stated_spa_percent, stated_spa_percent_is), near(stated_spa_percent, supporting_percent, 0.5))
    AS "stated-spa-percent-as-worked-out",
  verdict(NOT no(stated_total_units, stated_total_units_is),
    as_rows(stated_total_units, claimed_row_units, claimed_on_call_units, predictable_in_rows, unpredictable_in_rows)
  ) AS "stated-total-as-its-rows",
  verdict(NOT no(stated_table_units, stated_table_units_is),
    near(stated_table_units, claimed_row_units, 0.05)
    OR near(stated_table_units - claimed_row_units, claimed_on_call_units, 0.05)
    OR near(stated_table_units - claimed_row_units, claimed_on_call_period_units, 0.05)) AS "stated-table-as-its-rows",
  verdict(NOT no(stated_dcc_units, stated_dcc_units_is),
    as_rows(stated_dcc_units, claimed_row_dcc_units, claimed_on_call_units, predictable_in_rows, unpredictable_in_rows)
  ) AS "stated-dcc-as-its-rows",
  verdict(NOT no(stated_spa_units, stated_spa_units_is), near(stated_spa_units, claimed_spa_units, 0.05))
    AS "stated-spa-as-its-rows",
  verdict(NOT no(stated_anr_units, stated_anr_units_is), near(stated_anr_units, claimed_anr_units, 0.05))
    AS "stated-anr-as-its-rows",
  verdict(NOT no(stated_ext_units, stated_ext_units_is), near(stated_ext_units, claimed_ext_units, 0.05))
    AS "stated-ext-as-its-rows",
  verdict(NOT no(stated_extra_units, stated_extra_units_is), near(stated_extra_units, extra_units, 0.05))
    AS "stated-extra-as-agreed",
  -- premium time
  verdict(premium_reduction_hours > 0, le(premium_reduction_hours, 3)) AS "premium-reduction-at-most-three",
  verdict(premium_reduction_hours > 0, le(premium_reduction_hours, premium_total)) AS "premium-reduction-earned",
  verdict(lt(0, premium_total) OR lt(0, rota_premium_units),
    on_record(premium_agreement_on, premium_agreement_on_is)
    OR CASE WHEN premium_total IS NULL THEN NULL WHEN lt(3, premium_total) THEN false
            WHEN le(most_premium_units, 3) THEN true END) AS "premium-beyond-three",
  verdict(NOT no(stated_premium_units, stated_premium_units_is), near(stated_premium_units, row_premium_units, 0.05))
    AS "stated-premium-as-worked-out",
  verdict(NOT no(stated_premium_hours, stated_premium_hours_is), near(stated_premium_hours, row_premium_hours, 0.1))
    AS "stated-premium-hours-as-worked-out",
  verdict(NOT no(stated_plain_hours, stated_plain_hours_is), near(stated_plain_hours, row_plain_hours, 0.1))
    AS "stated-plain-hours-as-worked-out",
  -- supporting activities
  verdict(full_time AND (is_new_appointment OR status = 'advertised'), le(2.5, row_spa_units)) AS "spa-of-new-post",
  verdict(true, le(1.5, row_spa_units)) AS "spa-minimum",
  verdict(true, le(1, row_spa_units)) AS "spa-academy-range",
  verdict(NOT full_time, le(2.5 * contracted_units / 10, row_spa_units)) AS "part-time-spa",
  verdict(revalidation_concern AND le(row_spa_units, 2),
    on_record(spa_review_on, spa_review_on_is) AND CASE WHEN spa_review_on >= from_on THEN true END)
    AS "spa-reviewed-for-revalidation",
  verdict(is_new_appointment AND lt(row_spa_units, 1.5),
    on_record(spa_review_on, spa_review_on_is)
      AND spa_review_on BETWEEN appointed_on AND months_later(appointed_on, 6)
    OR on_record(next_review_on, next_review_on_is)
      AND next_review_on BETWEEN appointed_on AND months_later(appointed_on, 6)) AS "early-spa-review",
  verdict(NOT is_new_appointment AND lt(row_spa_units, 1.5),
    on_record(spa_review_on, spa_review_on_is) AND spa_review_on BETWEEN from_on AND months_later(from_on, 12)
    OR on_record(next_review_on, next_review_on_is) AND next_review_on BETWEEN from_on AND months_later(from_on, 12))
    AS "yearly-spa-review",
  verdict(trainees_supervised > 0, le(trainees_supervised, educational_trainees)) AS "trainees-have-time",
  verdict(supervises_clinically, le(clinical_supervision_units, 0.25)) AS "clinical-supervision-time",
  verdict(teaches_undergraduates, NULL::BOOLEAN) AS "undergraduate-teaching-time",
  -- locums and academics
  verdict(is_academic_post, is_integrated_plan) AS "academic-one-plan",
  verdict(is_academic_post, is_jointly_appraised) AS "academic-joint-appraisal",
  verdict(is_academic_post, NULL::BOOLEAN) AS "academic-contracts-cross-refer",
  verdict(is_academic AND full_time, eq(service_units + university_units, 10)) AS "academic-parts-make-the-week",
  verdict(is_academic AND full_time, le(service_units, 5)) AS "academic-service-part",
  verdict(is_academic AND lt(0, spare_capacity_units), le(spare_capacity_units, 1)) AS "academic-extra-pa-once",
  verdict(locum_is_exempt AND locum_regulations_bind,
    pick(locum_was_extended, locum_extended_on,
      pick(no_end, months_later(locum_starts_on, 6) + 1, appointment_ends_on + 1)) <= months_later(locum_starts_on, 6))
    AS "locum-first-period",
  verdict(locum_is_exempt AND locum_regulations_bind AND locum_was_extended,
    pick(no_end, months_later(locum_extended_on, 6) + 1, appointment_ends_on + 1) <= months_later(locum_extended_on, 6))
    AS "locum-extension-period",
  verdict(locum_is_exempt AND locum_regulations_bind,
    pick(no_end, months_later(locum_starts_on, 12) + 1, appointment_ends_on + 1) <= months_later(locum_starts_on, 12))
    AS "locum-twelve-months",
  verdict(locum_is_exempt AND locum_regulations_bind AND locum_was_extended,
    on_record(locum_reviewed_on, locum_reviewed_on_is) AND locum_reviewed_on <= locum_extended_on)
    AS "locum-reviewed-before-extension",
  verdict(locum_is_exempt AND locum_regulations_followed,
    pick(no_end, months_later(locum_starts_on, 12) + 1, appointment_ends_on + 1) <= months_later(locum_starts_on, 12))
    AS "locum-twelve-months-foundation-trust",
  verdict(locum_is_exempt AND locum_regulations_followed AND locum_was_extended,
    on_record(locum_reviewed_on, locum_reviewed_on_is) AND locum_reviewed_on <= locum_extended_on)
    AS "locum-reviewed-before-extension-foundation-trust",
  verdict(is_academic_post AND plan_is_agreed,
    on_record(university_signed_on, university_signed_on_is) AND on_record(manager_signed_on, manager_signed_on_is))
    AS "academic-signed-by-both-employers",
  -- the plan and how it came about
  verdict(true, activities_listed >= 1 OR duties_listed >= 1) AS "plan-content-listed",
  verdict(true, plan_has_timetable) AS "plan-timetable-given",
  verdict(true, objectives_listed >= 1) AS "plan-objectives-set",
  verdict(true, resources_listed >= 1) AS "plan-resources-named",
  verdict(true, CASE drafted_by WHEN 'clinical_manager' THEN true WHEN 'doctor' THEN false WHEN 'other' THEN false END)
    AS "plan-drafted-by-manager",
  verdict(plan_is_agreed AND NOT no_agreement,
    NOT no(discussed_on, discussed_on_is) AND discussed_on <= plan_agreed_on) AS "plan-discussed-before-agreed",
  verdict(plan_is_agreed AND NOT no_agreement, plan_agreed_on <= from_on) AS "plan-agreed-before-it-starts",
  verdict(NOT no(until_on, until_on_is), until_on + 1 <= months_later(from_on, 12)) AS "plan-for-a-year",
  verdict(NOT is_locum, plan_counted_to <= months_later(review_counted_from, 12)) AS "plan-reviewed-yearly",
  verdict(NOT is_locum AND NOT no(next_review_on, next_review_on_is),
    next_review_on <= months_later(review_counted_from, 12)) AS "next-review-within-a-year",
  verdict(NOT no(interim_review_asked_on, interim_review_asked_on_is),
    interim_review_on >= interim_review_asked_on) AS "interim-review-follows-request",
  verdict(nhs_employers > 1, lead_employers = 1) AS "one-lead-employer",
  verdict(intends_private_practice, private_rows_listed >= 1) AS "private-practice-shown",
  verdict(true, word_on_record(managerially_accountable_to)) AS "managerial-accountability-named",
  verdict(true, word_on_record(professionally_accountable_to)) AS "professional-accountability-named",
  verdict(plan_is_agreed, on_record(plan_agreed_on, plan_agreed_on_is)) AS "plan-agreement-recorded",
  verdict(plan_is_agreed, on_record(doctor_signed_on, doctor_signed_on_is)
    AND on_record(manager_signed_on, manager_signed_on_is)) AS "plan-signed-by-both",
  verdict(true, word_on_record(flexibility_words)) AS "plan-says-what-is-flexible",
  -- rules on rows and on pairs
  lifted(f.activity, "claimed-units-add-up") AS "claimed-units-add-up",
  lifted(f.activity, "claimed-hours-add-up") AS "claimed-hours-add-up",
  lifted(f.activity, "yearly-units-add-up") AS "yearly-units-add-up",
  lifted(f.activity, "irregular-work-names-its-year") AS "irregular-work-names-its-year",
  lifted(f.activity, "one-divisor") AS "one-divisor",
  lifted(f.activity, "enhancement-instead-of-time") AS "enhancement-instead-of-time",
  lifted(f.activity, "enhancement-agreed") AS "enhancement-agreed",
  lifted(f.activity, "enhancement-time-and-a-third") AS "enhancement-time-and-a-third",
  lifted(f.activity, "elective-premium-agreed") AS "elective-premium-agreed",
  lifted(f.activity, "emergency-specialty-premium-agreed") AS "emergency-specialty-premium-agreed",
  lifted(f.activity, "holiday-consent-not-settled") AS "holiday-consent-not-settled",
  lifted(f.activity, "activity-says-what") AS "activity-says-what",
  lifted(f.activity, "activity-says-when") AS "activity-says-when",
  lifted(f.activity, "activity-says-where") AS "activity-says-where",
  lifted(f.activity, "activity-says-how-much") AS "activity-says-how-much",
  lifted(f.diary, t."diary-long-enough") AS "diary-long-enough",
  lifted(f.diary, t."diary-difference-reviewed") AS "diary-difference-reviewed",
  lifted(f.supervision, "educational-supervision-time") AS "educational-supervision-time",
  lifted(f.supervision, "educational-supervision-in-spa") AS "educational-supervision-in-spa",
  lifted(f.supervision, "appraiser-time") AS "appraiser-time",
  lifted(f.supervision, "tariff-of-the-employer") AS "tariff-of-the-employer",
  lifted(f.objective, "objective-agreed") AS "objective-agreed",
  lifted(f.objective, "objective-resourced") AS "objective-resourced",
  lifted(f.objective, "objective-has-measure") AS "objective-has-measure",
  lifted(f.objective, "objective-has-date") AS "objective-has-date",
  lifted(f.responsibility, t."managerial-responsibility-named") AS "managerial-responsibility-named",
  lifted(f.employer, CASE WHEN is_academic_post THEN m.shares WHEN is_academic_post IS NULL AND m.listed > 0 THEN 2 END)
    AS "academic-employers-share",
  greatest(coalesce(c."counted-twice", 0), CASE WHEN open_turns THEN 2 ELSE 0 END)::UTINYINT AS "counted-twice",
  greatest(coalesce(c."paid-twice", 0), CASE WHEN open_turns THEN 2 ELSE 0 END)::UTINYINT AS "paid-twice"
FROM (
  SELECT f.*, NOT (whole(f.activity) AND whole(f.private_practice) AND whole(f.fee_work)) OR n.P IS NOT NULL AS open_turns
  FROM facts AS f LEFT JOIN turns_open AS n ON n.P = f.P
) AS f
LEFT JOIN (SELECT COLUMNS('^P$|-') FROM row_sums) AS s ON s.P = f.P
LEFT JOIN (SELECT COLUMNS('^plan$|-') FROM supervision_sums) AS v ON v.plan = f.id
LEFT JOIN (SELECT COLUMNS('^plan$|-') FROM objective_sums) AS o ON o.plan = f.id
LEFT JOIN employer_sums AS m ON m.plan = f.id
LEFT JOIN small_sums AS t ON t.plan = f.id
LEFT JOIN pair_sums AS c ON c.P = f.P;

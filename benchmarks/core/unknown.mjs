// Values that may be unknown: null for truths and texts, NaN for numbers. Used by json-rules-engine and by zen-engine.
const known = (x) => x !== null && x !== undefined && !Number.isNaN(x);
const millionths = (x) => Math.floor(x * 1e6 + 0.5);
const compared = (a, b, test) => (known(a) && known(b) ? test(millionths(a), millionths(b)) : null);
const eq = (a, b) => (typeof b === "string" ? (known(a) ? a === b : null) : compared(a, b, (x, y) => x === y));
const ne = (a, b) => negated(eq(a, b));
const lt = (a, b) => compared(a, b, (x, y) => x < y);
const le = (a, b) => compared(a, b, (x, y) => x <= y);
const gt = (a, b) => compared(a, b, (x, y) => x > y);
const ge = (a, b) => compared(a, b, (x, y) => x >= y);
const both = (a, b) => (a === false || b === false ? false : known(a) && known(b) ? true : null);
const either = (a, b) => (a === true || b === true ? true : known(a) && known(b) ? false : null);
const negated = (a) => (known(a) ? !a : null);
const pick = (c, yes, otherwise) => (c === true ? yes : c === false ? otherwise : null);
const number = (x) => (known(x) ? x : NaN);
const add = (a, b) => number(a) + number(b);
const sub = (a, b) => number(a) - number(b);
const mul = (a, b) => number(a) * number(b);
const div = (a, b) => (b === 0 ? NaN : number(a) / number(b));
const size = (a) => Math.abs(number(a));
const premiumBefore = (t) => {
  const minute = t % 10080, day = Math.floor(minute / 1440), clock = minute % 1440;
  const today = day >= 5 ? clock : Math.min(clock, 420) + Math.max(clock - 1140, 0);
  return 6480 * Math.floor(t / 10080) + 720 * Math.min(day, 5) + 1440 * Math.max(day - 5, 0) + today;
};
const premium_windows = (opens, closes) => {
  if (!known(opens) || !known(closes)) return NaN;
  if (opens >= 10080) return closes <= 11520 + 420 ? closes - opens : NaN;
  return premiumBefore(closes) - premiumBefore(opens);
};
const total = (rows, whole, counts, value) => {
  if (!whole) return NaN;
  let sum = 0;
  for (const r of rows) {
    const c = counts(r);
    if (c === false) continue;
    if (!known(c)) return NaN;
    sum += number(value(r));
  }
  return sum;
};

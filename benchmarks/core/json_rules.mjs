// The rules of rules.json on the plans of plans.jsonl, by json-rules-engine; run in the folder that holds them.
// node json_rules.mjs ROUNDS EACH: prints times of single plans, of all, and the codes of every plan, as JSON.
import { readFileSync } from "node:fs";
import { Engine } from "json-rules-engine";
import { leaves, work } from "./work.mjs";

const CODES = { not_applicable: 0, satisfied: 1, unknown: 2, violated: 3 };
const present = (x) => x !== null && x !== undefined && !Number.isNaN(x);

function engineOf(rules) {
  const engine = new Engine([], { allowUndefinedFacts: true });
  engine.addOperator("differs", (a, b) => present(a) && present(b) && a !== b);
  for (const [name, value] of Object.entries(leaves)) {
    engine.addFact(name, async (_, almanac) => value(await almanac.factValue("r"), await almanac.factValue("p")));
  }
  for (const rule of rules) engine.addRule(rule);
  return engine;
}

const { plan, rows } = JSON.parse(readFileSync("rules.json", "utf8"));
const onPlan = engineOf(plan.rules);
const onRows = Object.fromEntries(Object.entries(rows).map(([name, made]) => [name, engineOf(made.rules)]));

async function fired(engine, names, r, p) {
  const { events } = await engine.run({ r, p });
  const found = Object.fromEntries(names.map((name) => [name, CODES.unknown]));
  for (const event of events) found[event.params.rule] = CODES[event.type];
  return found;
}

async function judge(given) {
  const p = work(structuredClone(given));
  const found = await fired(onPlan, plan.names, p, p);
  for (const [relation, made] of Object.entries(rows)) {
    const worst = Object.fromEntries(made.names.map((name) => [name, p[`${relation}_whole`] ? 0 : CODES.unknown]));
    for (const r of p[relation]) {
      const verdicts = await fired(onRows[relation], made.names, r, p);
      for (const name of made.names) worst[name] = Math.max(worst[name], verdicts[name]);
    }
    Object.assign(found, worst);
  }
  return found;
}

const plans = readFileSync("plans.jsonl", "utf8").trim().split("\n").map((line) => JSON.parse(line));
const [rounds, each] = process.argv.slice(2).map(Number);
const answers = [];
for (const given of plans) answers.push(await judge(given));
const single = [];
for (let n = 0; n < rounds * each; n += 1) {
  const began = process.hrtime.bigint();
  await judge(plans[n % plans.length]);
  single.push(Number(process.hrtime.bigint() - began) / 1e6);
}
const bulk = [];
for (let n = 0; n < rounds; n += 1) {
  const began = process.hrtime.bigint();
  for (const given of plans) await judge(given);
  bulk.push(Number(process.hrtime.bigint() - began) / 1e6 / plans.length);
}
console.log(JSON.stringify({ single, bulk, answers }));

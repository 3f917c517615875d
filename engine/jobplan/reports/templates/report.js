"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const UNIT = "\u001f", RECORD = "\u001e";
  const PRINTED = 150, PER_RULE = 5;
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") made.className = value;
      else made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };
  const count = (number) => number.toLocaleString("en-GB");
  const later = () => new Promise((go) => setTimeout(go));

  async function unpack() {
    const letters = atob($("data").textContent);
    $("data").textContent = "";
    const bytes = new Uint8Array(letters.length);
    for (let index = 0; index < letters.length; index += 1) bytes[index] = letters.charCodeAt(index);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  /* A column answers with the text of a row; one that is a dictionary keeps every text once. */
  class Column {
    constructor(data) {
      this.words = data.words.map((word) => word ?? "");
      this.at = Uint32Array.from(data.at);
      this.small = null;
    }
    of(row) { return this.words[this.at[row]]; }
    lower() { return (this.small ??= this.words.map((word) => word.toLowerCase())); }
    holding(word) {
      const found = new Uint8Array(this.words.length);
      this.lower().forEach((text, index) => { if (text.includes(word)) found[index] = 1; });
      return found;
    }
  }

  let all, columns, rules, plans, facts, units, titles, root, order = [], shown = [], active = 0, turn = 0, severities, lackSets;

  function prepare(data) {
    all = data.findings;
    columns = {};
    for (const [name, column] of Object.entries(data.columns)) {
      columns[name] = Array.isArray(column) ? Int32Array.from(column) : new Column(column);
    }
    ({ rules, units, titles, root } = data);
    plans = { id: data.plans.id, small: null };
    facts = Object.fromEntries(Object.entries(data.plans.facts).map(([name, column]) => [name, new Column(column)]));
    severities = data.severities.filter((name) => columns.severity.words.includes(name));
    lackSets = columns.lacks.words.map((words) => new Set(words ? words.split(RECORD) : []));
    order = Uint32Array.from({ length: all }, (_, index) => index);
  }
  const ruleOf = (row) => rules[columns.rule[row]] ?? { title: "", id: "", topic: "", protects: "", cites: [], rests_on: [], remedy: "" };

  /* --- filters --------------------------------------------------------------------------- */

  function fill(select, pairs, words = "all") {
    select.replaceChildren(element("option", { value: "" }, words),
      ...pairs.map(([value, text]) => element("option", { value }, text)));
  }
  const tallied = (numbers) => {
    const counts = new Map();
    for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
    return counts;
  };

  function fillFilters() {
    const perRule = tallied(columns.rule);
    const topics = [...new Set(rules.map((rule) => rule.topic))];
    const select = $("f-rule");
    fill(select, []);
    for (const topic of topics) {
      const group = element("optgroup", { label: topic });
      rules.forEach((rule, number) => {
        if (rule.topic === topic && perRule.has(number)) {
          group.append(element("option", { value: number }, `${rule.id} (${count(perRule.get(number))})`));
        }
      });
      if (group.children.length) select.append(group);
    }
    fill($("f-topic"), topics.map((topic) => [topic, topic]));
    fill($("f-protects"), [...new Set(rules.map((rule) => rule.protects))].sort().map((word) => [word, word]));
    for (const chosen of document.querySelectorAll(".f-fact")) {
      const column = facts[chosen.dataset.fact];
      if (!column) { chosen.closest("label").remove(); continue; }
      const counts = tallied(column.at);
      const pairs = [...counts].map(([number]) => column.words[number]).sort((a, b) => a.localeCompare(b, "en"));
      fill(chosen, pairs.map((word) => [word === "" ? "\u0000" : word, word || "not stated"]));
    }
    const perLack = new Map();
    const perSet = tallied(columns.lacks.at);
    lackSets.forEach((set, number) => {
      for (const lack of set) perLack.set(lack, (perLack.get(lack) ?? 0) + (perSet.get(number) ?? 0));
    });
    fill($("f-lack"), [...perLack].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .map(([lack, number]) => [lack, `${lack.length > 60 ? `${lack.slice(0, 59)}…` : lack} (${count(number)})`]), "anything");
    $("f-severity").append(...severities.map((name) => element("label", {},
      element("input", { type: "checkbox", name: "severity", value: name, checked: "" }),
      element("span", { class: `tag ${name}` }, name), element("span", { class: "dim", id: `count-${name}` }))));
  }

  /* What is asked for, as a test of one row; texts are searched once each, rows only look up. */
  function wanted() {
    const tests = [];
    for (const [, phrase, single] of $("f-text").value.toLowerCase().matchAll(/"([^"]+)"|([^\s"]+)/g)) {
      const word = phrase ?? single;
      const inRule = rules.map((rule) => rule.haystack.includes(word));
      const parts = ["message", "label", "place", "waived"].map((name) => [columns[name].at, columns[name].holding(word)]);
      const inPlan = plansHolding(word);
      tests.push((row) => inRule[columns.rule[row]] || inPlan[columns.plan[row]] ||
        parts.some(([at, found]) => found[at[row]]));
    }
    const plan = $("f-plan").value.trim().toLowerCase();
    if (plan) {
      const found = plansHolding(plan);
      tests.push((row) => found[columns.plan[row]]);
    }
    if ($("f-rule").value) { const rule = Number($("f-rule").value); tests.push((row) => columns.rule[row] === rule); }
    for (const [id, key] of [["f-topic", "topic"], ["f-protects", "protects"]]) {
      const value = $(id).value;
      if (value) tests.push((row) => ruleOf(row)[key] === value);
    }
    for (const select of document.querySelectorAll(".f-fact")) {
      if (!select.value) continue;
      const column = facts[select.dataset.fact], number = column.words.indexOf(select.value === "\u0000" ? "" : select.value);
      tests.push((row) => column.at[columns.plan[row]] === number);
    }
    const waived = $("f-waived").value;
    if (waived) {
      const none = columns.waived.words.indexOf("");
      tests.push((row) => (columns.waived.at[row] !== none) === (waived === "yes"));
    }
    const lack = $("f-lack").value;
    if (lack) {
      const found = lackSets.map((set) => set.has(lack));
      tests.push((row) => found[columns.lacks.at[row]]);
    }
    return tests;
  }
  function plansHolding(word) {
    plans.small ??= plans.id.map((id) => id.toLowerCase());
    return plans.small.map((id) => id.includes(word));
  }

  async function apply() {
    const mine = (turn += 1);
    const tests = wanted();
    const kinds = columns.severity;
    const chosen = new Set([...document.querySelectorAll("[name=severity]:checked")].map((box) => box.value));
    const isChosen = kinds.words.map((word) => chosen.has(word));
    const counts = new Array(kinds.words.length).fill(0);
    const found = [];
    for (let start = 0; start < order.length; start += 20000) {
      const end = Math.min(start + 20000, order.length);
      for (let place = start; place < end; place += 1) {
        const row = order[place];
        if (tests.every((test) => test(row))) {
          const kind = kinds.at[row];
          counts[kind] += 1;
          if (isChosen[kind]) found.push(row);
        }
      }
      if (end < order.length) { await later(); if (mine !== turn) return; }
    }
    if (mine !== turn) return;
    shown = found;
    severities.forEach((name) => { $(`count-${name}`).textContent = count(counts[kinds.words.indexOf(name)]); });
    const about = new Set(found.map((row) => columns.plan[row]));
    $("count").textContent = found.length === all ? `${count(all)} findings on ${count(about.size)} plans`
      : `${count(found.length)} of ${count(all)} findings, on ${count(about.size)} plans`;
    active = 0;
    $("body").scrollTop = 0;
    $("grid").setAttribute("aria-rowcount", found.length);
    layOut();
  }
  function reorder() {
    const by = { plan: (row) => columns.plan[row], rule: (row) => columns.rule[row] }[$("f-order").value];
    order = Uint32Array.from({ length: all }, (_, index) => index);
    if (by) order.sort((a, b) => by(a) - by(b) || a - b);
  }

  /* --- the list: only the rows in sight are in the page ----------------------------------- */

  const rowHeight = () => (matchMedia("(max-width: 46rem)").matches ? 84 : 64);

  function layOut() {
    const body = $("body"), sizer = $("sizer"), height = rowHeight();
    sizer.style.height = `${shown.length * height}px`;
    const first = Math.max(0, Math.floor(body.scrollTop / height) - 6);
    const last = Math.min(shown.length, Math.ceil((body.scrollTop + body.clientHeight) / height) + 6);
    const made = [];
    for (let place = first; place < last; place += 1) made.push(rowAt(place, height));
    if (!shown.length) made.push(element("p", { class: "note", role: "row" }, "No finding is like this."));
    sizer.replaceChildren(...made);
    if (shown.length) $("grid").setAttribute("aria-activedescendant", `row-${active}`);
    else $("grid").removeAttribute("aria-activedescendant");
  }
  function rowAt(place, height) {
    const row = shown[place], rule = ruleOf(row), severity = columns.severity.of(row), plan = columns.plan[row];
    const waived = columns.waived.of(row) ? "waived · " : "";
    const label = columns.label.of(row);
    const made = element("div", {
      class: place === active ? "row active" : "row", role: "row", id: `row-${place}`, "data-place": place,
      "aria-rowindex": place + 1, "aria-selected": place === active,
    },
      element("span", { role: "gridcell" }, element("span", { class: `tag ${severity}` }, severity)),
      element("span", { role: "gridcell", class: "what" }, element("b", {}, rule.title || rule.id),
        element("span", {}, `${waived}${label && !columns.message.of(row).startsWith(label.split(",")[0]) ? `${label}: ` : ""}${columns.message.of(row)}`)),
      element("span", { role: "gridcell", class: "small plan" }, plans.id[plan], element("span", {}, firstFacts(plan))),
      element("span", { role: "gridcell", class: "small place", title: columns.place.of(row) }, columns.place.of(row).split("/").pop()));
    made.style.top = `${place * height}px`;
    return made;
  }
  const firstFacts = (plan) => Object.values(facts).slice(-2).map((column) => column.of(plan)).filter(Boolean).join(" · ");

  function move(to) {
    if (!shown.length) return;
    active = Math.max(0, Math.min(shown.length - 1, to));
    const body = $("body"), height = rowHeight();
    if (active * height < body.scrollTop) body.scrollTop = active * height;
    else if ((active + 1) * height > body.scrollTop + body.clientHeight) body.scrollTop = (active + 1) * height - body.clientHeight;
    layOut();
  }
  function keyed(event) {
    const page = Math.max(1, Math.floor($("body").clientHeight / rowHeight()) - 1);
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: shown.length - 1 }[event.key];
    if (to !== undefined) { event.preventDefault(); move(to); }
    else if ((event.key === "Enter" || event.key === " ") && shown.length) { event.preventDefault(); open(shown[active]); }
  }

  /* --- one finding, one rule --------------------------------------------------------------- */

  function pairs(list) {
    return element("dl", { class: "facts" }, ...list.filter(([, value]) => value)
      .map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  }
  function law(rule) {
    const cite = (item) => element("li", {}, item.full || item.text, " ", ...item.urls.filter((url) => /^https?:\/\//.test(url))
      .flatMap((url) => [element("a", { href: url, rel: "noopener noreferrer", target: "_blank" }, new URL(url).host), " "]));
    const made = [element("h3", {}, "Law"), element("ul", {}, ...rule.cites.map(cite))];
    if (rule.rests_on.length) made.push(element("h3", {}, "Resting on"), element("ul", {}, ...rule.rests_on.map(cite)));
    return made;
  }
  function openRule(number) {
    const rule = rules[number];
    present(rule.title, [
      pairs([["Rule", rule.id], ["Topic", rule.topic], ["If violated", rule.severity], ["Force", `${rule.force.replaceAll("_", " ")}, ${rule.strength}`],
        ["Protects", rule.protects], ["May be waived", rule.waivable.replaceAll("_", " ")],
        ["Read", `${rule.assurance.original ? "original seen" : rule.assurance.read ? "original not seen" : "words not seen"}, confidence ${rule.assurance.confidence}`]]),
      rule.remedy ? element("p", {}, `What to do: ${rule.remedy}`) : null, ...law(rule), showAll(number)]);
  }
  function showAll(number) {
    const button = element("button", { type: "button", class: "link" }, "Show all findings of this rule");
    button.addEventListener("click", () => { $("detail").close(); choose({ "f-rule": String(number) }); });
    return element("p", {}, button);
  }
  function evidence(row) {
    const shape = columns.shape.of(row);
    if (!shape) return [];
    const values = columns.values.of(row).split(RECORD).map((item) => item.split(UNIT));
    const lines = shape.split(RECORD).map((item, place) => {
      const [name, relation, unit] = item.split(UNIT), [value, other, assumed] = values[place] ?? ["", "", ""];
      return element("tr", {}, element("th", { scope: "row" }, name.replaceAll("_", " "), element("span", { class: "cite" }, relation === root ? "" : [relation, other].filter(Boolean).join(" "))),
        element("td", { class: "n" }, value), element("td", {}, units[unit] || ""), element("td", {}, assumed ? `assumed: ${assumed}` : ""));
    });
    return [element("h3", {}, "Evidence"), element("table", {},
      element("thead", {}, element("tr", {}, ...["What", "Value", "Unit", ""].map((word, place) => element("th", { scope: "col", class: place === 1 ? "n" : "" }, word)))),
      element("tbody", {}, ...lines))];
  }
  function open(row) {
    const rule = ruleOf(row), plan = columns.plan[row], severity = columns.severity.of(row);
    const subjects = columns.subjects[row];
    const lacks = [...lackSets[columns.lacks.at[row]]];
    present(rule.title || rule.id, [
      element("p", {}, element("span", { class: `tag ${severity}` }, severity),
        columns.otherwise.of(row) !== severity ? ` a violation would be: ${columns.otherwise.of(row)}` : ""),
      element("p", { class: "message" }, columns.message.of(row)),
      columns.as_stated.of(row) ? element("p", {}, `On what the plan itself states: ${columns.as_stated.of(row).replaceAll("_", " ")}`) : null,
      columns.waived.of(row) ? element("p", {}, `Waived: ${columns.waived.of(row)}`) : null,
      columns.assumptions.of(row) ? element("p", {}, `Rests on the assumption ${columns.assumptions.of(row)}`) : null,
      rule.remedy && !lacks.length ? element("p", {}, `What to do: ${rule.remedy.replaceAll(/\{(\w+)\}/g, (_, name) => name.replaceAll("_", " "))}`) : null,
      pairs([["Plan", plans.id[plan]], ...Object.entries(facts).map(([name, column]) => [titles[name], column.of(plan)]),
        ["Judged by the edition of", columns.edition.of(row)], ["Row", columns.label.of(row)], ["Rows concerned", subjects > 1 ? count(subjects) : ""],
        ["Where", columns.place.of(row)], ["Rule", rule.id], ["Protects", rule.protects]]),
      ...(lacks.length ? [element("h3", {}, "Waits for"), element("ul", {}, ...lacks.map((lack) => element("li", {}, lack)))] : []),
      ...evidence(row), ...law(rule), showAll(columns.rule[row])]);
  }
  function present(title, parts) {
    $("detail-body").replaceChildren(element("h2", { id: "detail-title" }, title), ...parts.filter(Boolean));
    if (!$("detail").open) $("detail").showModal();
    $("detail").scrollTop = 0;
  }

  /* --- from the other parts of the report into the list ------------------------------------ */

  function choose(values) {
    $("filters").reset();
    for (const [id, value] of Object.entries(values)) {
      const select = id.startsWith("fact:") ? document.querySelector(`.f-fact[data-fact="${CSS.escape(id.slice(5))}"]`) : $(id);
      if (select) select.value = value;
    }
    reorder();
    apply();
    $("findings").scrollIntoView();
    $("grid").focus({ preventScroll: true });
  }
  function clicked(event) {
    const button = event.target.closest("button.link");
    if (!button || !columns) return;
    if (button.dataset.rule !== undefined) openRule(Number(button.dataset.rule));
    else if (button.dataset.lack !== undefined) choose({ "f-lack": button.dataset.lack });
    else if (button.dataset.fact !== undefined) {
      choose({ [`fact:${button.dataset.fact}`]: button.dataset.value === "not stated" ? "\u0000" : button.dataset.value });
    }
  }
  function beforePrint() {
    if (!columns) return;
    const perRule = new Map();
    for (const row of shown) {
      const key = columns.rule[row];
      if (!perRule.has(key)) perRule.set(key, []);
      perRule.get(key).push(row);
    }
    let left = PRINTED;
    const made = [];
    for (const [number, rows] of perRule) {
      const list = rows.slice(0, Math.min(PER_RULE, left));
      left -= list.length;
      if (list.length) made.push(...printedRule(rules[number], rows.length, list));
    }
    const told = `${$("count").textContent}. Printed are the first ${PER_RULE} of a rule, ${count(PRINTED - left)} in all; every one is in this file and in findings.xlsx.`;
    $("printed").replaceChildren(element("p", {}, told), ...made);
  }
  function printedRule(rule, number, list) {
    const severity = columns.severity.of(list[0]);
    return [
      element("h3", {}, element("span", { class: `tag ${severity}` }, severity), ` ${rule.title} · ${count(number)}`),
      element("p", { class: "cite" }, rule.cites[0]?.text ?? ""),
      element("table", {}, element("tbody", {}, ...list.map((row) => element("tr", {},
        element("td", {}, plans.id[columns.plan[row]]), element("td", {}, columns.message.of(row)), element("td", {}, columns.place.of(row)))))),
    ];
  }

  async function start() {
    prepare(await unpack());
    for (const rule of rules) rule.haystack = `${rule.id} ${rule.title} ${rule.topic}`.toLowerCase();
    fillFilters();
    let waiting;
    $("filters").addEventListener("input", (event) => {
      clearTimeout(waiting);
      if (event.target.id === "f-order") reorder();
      waiting = setTimeout(apply, event.target.type === "search" ? 150 : 0);
    });
    $("filters").addEventListener("reset", () => setTimeout(() => { reorder(); apply(); }));
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    $("grid").addEventListener("keydown", keyed);
    $("body").addEventListener("scroll", () => requestAnimationFrame(layOut), { passive: true });
    $("body").addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) { move(Number(row.dataset.place)); open(shown[active]); }
    });
    $("detail").addEventListener("click", (event) => { if (event.target === $("detail")) $("detail").close(); });
    document.addEventListener("click", clicked);
    addEventListener("resize", layOut);
    addEventListener("beforeprint", beforePrint);
    $("loading").hidden = true;
    $("explorer").hidden = false;
    await apply();
    document.documentElement.dataset.ready = "yes";
  }
  start().catch((error) => {
    $("loading").textContent = `The list of findings cannot be shown by this browser (${error.message}). They are in findings.xlsx and findings.csv too.`;
    console.error(error);
  });
})();

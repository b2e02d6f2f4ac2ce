"use strict";
// What the page does: choose a metric and a scale, hide rows, sort the table, and restore these choices when it is reloaded.

const content = JSON.parse(document.getElementById("content").textContent);
const state = { metric: {}, scale: content.scales[0], hidden: [], sort: null, scroll: 0, ...remembered() };

function remembered() {
  try { return JSON.parse(sessionStorage.getItem(`snnx ${content.sweep}`)) ?? {}; } catch { return {}; }
}

function remember() {
  try { sessionStorage.setItem(`snnx ${content.sweep}`, JSON.stringify(state)); } catch { /* the browser forbids storage: choices are not kept */ }
}

function fill(select, options, chosen, changed) {
  select.replaceChildren(...options.map((option) => new Option(option, option, false, option === chosen)));
  select.onchange = () => changed(select.value);
}

function draw(name, axis) {
  const section = document.getElementById(name);
  const lines = content.lines.filter((line) => line.scale === state.scale);
  const metrics = [...new Set(lines.flatMap((line) => Object.keys(line[name])))];
  const scales = content.scales.filter((scale) => content.lines.some((line) => line.scale === scale));
  section.hidden = !content.lines.some((line) => Object.keys(line[name]).length);
  if (section.hidden) return;
  const wanted = [state.metric[name], content.metric, "val/acc", "firing_rate"].find((metric) => metrics.includes(metric)) ?? metrics[0];
  fill(section.querySelector(".metric"), metrics, wanted, (value) => { state.metric[name] = value; redraw(); });
  fill(section.querySelector(".scale"), scales, state.scale, (value) => { state.scale = value; redraw(); });
  section.querySelector(".of-scale").hidden = scales.length < 2;
  const series = lines.map((line) => ({
    label: line.label, style: line.style, seeds: line[name][wanted] ?? [], counted: line.counted,
    paper: name === "curves" ? line.paper[wanted] ?? null : null, hidden: state.hidden.includes(line.label),
  }));
  chart(section.querySelector(".chart"), section.querySelector(".legend"), series, {
    names: name === "layers" ? content.names[wanted] ?? [] : [], axis, title: `${wanted} by ${axis}`,
    toggled: (label) => {
      state.hidden = state.hidden.includes(label) ? state.hidden.filter((other) => other !== label) : [...state.hidden, label];
      redraw(name, label);
    },
  });
}

function redraw(name, label) {
  remember();
  draw("curves", "epoch");
  draw("layers", "layer");
  if (!label) return;
  const buttons = [...document.querySelectorAll(`#${name} .legend button`)]; // redrawn: give the focus back to the clicked button
  buttons.find((button) => button.querySelector("span").textContent === label)?.focus();
}

function sort() {
  const table = document.querySelector("table.runs"), heads = [...table.querySelectorAll("thead th")];
  const column = heads.findIndex((head) => head.textContent === state.sort?.column);
  if (column >= 0) sortRows(table, column, state.sort.order);
}

for (const button of document.querySelectorAll("table.runs thead button")) {
  button.addEventListener("click", () => {
    state.sort = { column: button.textContent, order: otherOrder(button.parentElement) };
    remember();
    sort();
  });
}
if (!content.scales.includes(state.scale)) state.scale = content.scales[0];
redraw();
sort();
scrollTo(0, state.scroll);
addEventListener("pagehide", () => { state.scroll = scrollY; remember(); });
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });

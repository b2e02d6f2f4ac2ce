"use strict";
// A line chart: thin lines for the seeds and a thick line for their mean. The legend shows the values at the cursor, and a click
// on one of its buttons hides a line.

const DASHES = ["", "7 4", "2 3", "8 3 2 3"];
const COLOURS = 7; // --c0 ... in dashboard.css

function element(name, attributes, parent, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function finite(values) { return values.filter((value) => value !== null && value !== undefined); }

function mean(seeds) { // at each position, over the seeds that have a value there
  const longest = Math.max(0, ...seeds.map((seed) => seed.length));
  return Array.from({ length: longest }, (_, at) => {
    const found = finite(seeds.map((seed) => seed[at]));
    return found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
  });
}

function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((multiple) => multiple * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => (first + k) * step);
}

function shown(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e5 || size < 1e-3) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

function path(values, x, y) { // a gap where a value is missing
  let drawn = "", pen = "M";
  values.forEach((value, at) => {
    if (value === null || value === undefined) { pen = "M"; return; }
    drawn += `${pen}${x(at).toFixed(1)},${y(value).toFixed(1)}`;
    pen = "L";
  });
  return drawn;
}

// series: [{label, style, seeds: [[number | null]], counted: [whether the seed counts in the mean], paper, hidden}]
// names: of the positions on the horizontal axis
// toggled(label): called when a line's button in the legend is clicked
function chart(place, legend, series, { names, axis, title, toggled }) {
  const counted = (line) => line.seeds.filter((_, seed) => line.counted[seed]);
  const lines = series.filter((line) => line.seeds.some((seed) => seed.length))
    .map((line) => ({ ...line, averaged: counted(line), mean: mean(counted(line)) }));
  const visible = lines.filter((line) => !line.hidden);
  const width = Math.max(280, place.clientWidth), height = Math.round(Math.min(380, Math.max(240, width * 0.45)));
  const left = 52, right = 12, top = 12, bottom = 40;
  const count = Math.max(1, ...lines.flatMap((line) => line.seeds.map((seed) => seed.length)));
  const all = visible.flatMap((line) => [...finite(line.seeds.flat()), ...finite([line.paper])]);
  let low = all.length ? Math.min(...all) : 0, high = all.length ? Math.max(...all) : 1;
  const margin = (high - low || Math.abs(high) || 1) * 0.06;
  [low, high] = [low >= 0 && low < margin * 4 ? Math.min(0, low) : low - margin, high + margin];
  const x = (at) => left + (count === 1 ? 0.5 : at / (count - 1)) * (width - left - right);
  const y = (value) => top + (1 - (value - low) / (high - low)) * (height - top - bottom);

  place.replaceChildren();
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height, tabindex: 0, role: "img", "aria-label": title }, place);
  for (const tick of ticks(low, high, height / 50)) {
    element("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }, svg);
    element("text", { class: "tick", x: left - 8, y: y(tick), "text-anchor": "end", "dominant-baseline": "middle" }, svg, shown(tick));
  }
  const every = Math.max(1, Math.ceil(count / Math.max(2, (width - left) / 56)));
  for (let at = 0; at < count; at += every) {
    element("text", { class: "tick", x: x(at), y: height - bottom + 18, "text-anchor": "middle" }, svg, String(at + 1));
  }
  element("text", { class: "tick", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, svg, axis);
  for (const line of visible) {
    const stroke = `var(--c${line.style % COLOURS})`;
    const dash = { "stroke-dasharray": DASHES[Math.floor(line.style / COLOURS) % DASHES.length] };
    for (const seed of line.seeds) element("path", { class: "seed", d: path(seed, x, y), stroke, ...dash }, svg);
    element("path", { class: "mean", d: path(line.mean, x, y), stroke, ...dash }, svg);
    if (count <= 20) line.mean.forEach((value, at) => {
      if (value !== null) element("circle", { cx: x(at), cy: y(value), r: 2.5, fill: stroke }, svg);
    });
    if (line.paper !== null) element("line", { class: "paper", x1: left, x2: width - right, y1: y(line.paper), y2: y(line.paper), stroke }, svg);
  }
  const cursor = element("line", { class: "cursor", y1: top, y2: height - bottom, visibility: "hidden" }, svg);
  const where = element("text", { class: "tick", y: top + 2, visibility: "hidden" }, svg);

  legend.replaceChildren();
  const values = lines.map((line) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!line.hidden));
    button.addEventListener("click", () => toggled(line.label));
    const swatch = element("svg", { width: 22, height: 10, "aria-hidden": true }, button);
    element("line", {
      x1: 0, x2: 22, y1: 5, y2: 5, "stroke-width": 2.5, stroke: `var(--c${line.style % COLOURS})`,
      "stroke-dasharray": DASHES[Math.floor(line.style / COLOURS) % DASHES.length],
    }, swatch);
    const name = document.createElement("span"), value = document.createElement("output");
    name.textContent = line.label;
    button.append(name, value);
    item.append(button);
    legend.append(item);
    return value;
  });

  let at = null; // the position whose values the legend shows; null: the last value of each line
  function read() {
    lines.forEach((line, index) => {
      const place = at === null ? line.mean.length - 1 : at, n = finite(line.averaged.map((seed) => seed[place])).length;
      values[index].textContent = `${shown(line.mean[place])}${n > 1 ? ` (n=${n})` : ""}`;
    });
    for (const part of [cursor, where]) part.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at === null) return;
    cursor.setAttribute("x1", x(at));
    cursor.setAttribute("x2", x(at));
    const late = x(at) > width * 0.6;
    where.setAttribute("x", x(at) + (late ? -6 : 6));
    where.setAttribute("text-anchor", late ? "end" : "start");
    where.setAttribute("dominant-baseline", "hanging");
    where.textContent = names[at] ?? `${axis} ${at + 1}`;
  }
  svg.addEventListener("pointermove", (event) => {
    const share = (event.offsetX * width / svg.clientWidth - left) / (width - left - right);
    at = Math.min(count - 1, Math.max(0, Math.round(share * (count - 1))));
    read();
  });
  svg.addEventListener("pointerleave", () => { at = null; read(); });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.min(count - 1, Math.max(0, (at ?? count - 1) + step));
    read();
  });
  svg.addEventListener("blur", () => { at = null; read(); });
  read();
}

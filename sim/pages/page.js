/* Draws a page from its data: a list of blocks, each of one type. Figures are inline SVG; one that can be zoomed keeps
 * the range of x that it shows for all of its panels. */
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const COLOURS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"];
const DASHES = ["", "6 3", "2 3", "8 3 2 3"];

/* ---- small helpers ---- */

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) { element.setAttribute(key, value); }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function draw(parent, name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) { element.setAttribute(key, value); }
  if (text !== undefined) { element.textContent = text; }
  parent.append(element);
  return element;
}

/* Three to four significant digits; large numbers keep their digits before the point. */
function show(value) {
  if (value === null || value === undefined) { return "–"; }
  if (typeof value === "string") { return value; }
  if (typeof value === "boolean") { return value ? "yes" : "no"; }
  const size = Math.abs(value);
  if (size === 0) { return "0"; }
  if (size >= 1e9 || size < 1e-4) { return value.toExponential(2); }
  if (size >= 1000) { return Math.round(value).toLocaleString("en-US"); }
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}

function withUnit(value, unit) { return unit ? show(value) + " " + unit : show(value); }

/* A colour and a dash by the place of a name among those of its chart. */
function styleOf(chart, label) {
  const place = Math.max(0, chart.labels.indexOf(label));
  const colour = (chart.colours && chart.colours[place]) || COLOURS[place % COLOURS.length];
  return { colour: "var(" + colour + ")", dash: DASHES[Math.floor(place / COLOURS.length) % DASHES.length] };
}

/* ---- scales ---- */

function makeScale(low, high, from, to, isLog) {
  if (isLog) {
    const [a, b] = [Math.log(low), Math.log(high)];
    const scale = (value) => from + (Math.log(value) - a) / (b - a) * (to - from);
    scale.back = (place) => Math.exp(a + (place - from) / (to - from) * (b - a));
    return scale;
  }
  const scale = (value) => from + (value - low) / (high - low) * (to - from);
  scale.back = (place) => low + (place - from) / (to - from) * (high - low);
  return scale;
}

function stepOf(range, count) {
  const power = 10 ** Math.floor(Math.log10(range / count));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => range / step <= count);
}

function ticksOf(low, high, count, isLog) {
  const ticks = [];
  if (isLog && high / low >= 20) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const last = Math.floor(Math.log10(high) + 1e-9);
    const each = Math.ceil((last - first + 1) / count);
    for (let power = first; power <= last; power += each) { ticks.push(10 ** power); }
    return ticks;
  }
  const step = stepOf(high - low, count);
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-12) + step * 1e-9; i++) { ticks.push(i * step); }
  return ticks;
}

/* ---- charts ---- */

const isNumber = (value) => typeof value === "number";

function rangeOf(series, names) {
  let low = Infinity;
  let high = -Infinity;
  for (const one of series) {
    for (const name of names) {
      for (const value of one[name] || []) {
        if (isNumber(value)) { low = Math.min(low, value); high = Math.max(high, value); }
      }
    }
  }
  return low <= high ? [low, high] : [0, 1];
}

/* What a panel shows, said in a sentence. */
function describe(chart, panel, series) {
  const parts = series.filter((one) => one.y.length > 0).slice(0, 8).map((one) => {
    const values = one.y.filter(isNumber);
    return one.label + " from " + show(Math.min(...values)) + " to " + show(Math.max(...values));
  });
  return (panel || chart.heading) + ", " + chart.y + " over " + chart.x + ": " + parts.join("; ") +
    ". The values are in the page's tables or in the CSV file beside the figure.";
}

/* Ends of the axes of a panel: from 0 where that wastes little, a bit beyond the data otherwise. */
function limitsOf(chart, series) {
  const horizontal = chart.kind === "bars" || chart.kind === "cdf" || chart.kind === "forest";
  let [x0, x1] = chart.view || rangeOf(series, horizontal ? ["x", "low", "high"] : ["x"]);
  let [y0, y1] = chart.kind === "cdf" ? [0, 100] : rangeOf(series, horizontal ? ["y"] : ["y", "low", "high"]);
  const isLog = chart.log_x && x0 > 0 && x1 > 16 * x0;
  if (x0 === x1) { x0 -= Math.abs(x0) / 2 || 0.5; x1 += Math.abs(x1) / 2 || 0.5; }
  if (chart.kind === "forest") { const pad = (x1 - x0) * 0.05; x0 = Math.min(x0 - pad, 0); x1 = Math.max(x1 + pad, 0); }
  if (chart.kind === "forest" || chart.kind === "bars") { y0 -= 0.7; y1 += 0.7; }
  else if (chart.kind !== "cdf") {
    if (y0 >= 0 && y0 < 0.6 * y1) { y0 = 0; }
    if (y0 === y1) { y0 -= Math.abs(y0) / 10 || 1; y1 += Math.abs(y1) / 10 || 1; }
    y1 += (y1 - y0) * 0.05;
  }
  return { x0, x1, y0, y1, isLog, flipped: chart.kind === "bars" || chart.kind === "forest" };
}

function drawAxes(svg, chart, box, limits, scales) {
  const { left, right, top, bottom } = box;
  for (const tick of ticksOf(limits.x0, limits.x1, (right - left) / 70, limits.isLog)) {
    const x = scales.x(tick);
    draw(svg, "line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom });
    draw(svg, "text", { x, y: bottom + 16, "text-anchor": "middle" }, show(Number(tick.toPrecision(12))));
  }
  if (chart.rows) {
    chart.rows.forEach((row, place) =>
      draw(svg, "text", { x: left - 8, y: scales.y(place) + 4, "text-anchor": "end" }, row));
  } else {
    for (const tick of ticksOf(Math.max(limits.y0, chart.kind === "bars" ? 0 : limits.y0), limits.y1, (bottom - top) / 40, false)) {
      const y = scales.y(tick);
      draw(svg, "line", { class: "grid", x1: left, x2: right, y1: y, y2: y });
      draw(svg, "text", { x: left - 8, y: y + 4, "text-anchor": "end" }, show(Number(tick.toPrecision(12))));
    }
    draw(svg, "text", { transform: "translate(13," + (top + bottom) / 2 + ") rotate(-90)", "text-anchor": "middle" }, box.yLabel);
  }
  draw(svg, "path", { class: "axis", d: "M" + left + " " + top + "V" + bottom + "H" + right });
  draw(svg, "text", { x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, box.xLabel);
}

/* Points of a series as a path; a gap where there is no value. */
function pathOf(one, scales, name) {
  let path = "";
  let isOpen = false;
  for (let i = 0; i < one.x.length; i++) {
    if (!isNumber(one.x[i]) || !isNumber(one[name][i])) { isOpen = false; continue; }
    path += (isOpen ? "L" : "M") + scales.x(one.x[i]).toFixed(1) + " " + scales.y(one[name][i]).toFixed(1);
    isOpen = true;
  }
  return path;
}

/* Whether point i has an interval. */
const hasInterval = (one, i) => one.low && isNumber(one.low[i]) && isNumber(one.high[i]);

function drawWhiskers(plot, one, scales, style, isHorizontal) {
  for (let i = 0; i < one.x.length; i++) {
    if (!hasInterval(one, i)) { continue; }
    const [x, y] = [scales.x(one.x[i]), scales.y(one.y[i])];
    const [a, b] = [one.low[i], one.high[i]].map(isHorizontal ? scales.x : scales.y);
    const d = isHorizontal ? `M${a} ${y}H${b}M${a} ${y - 3}v6M${b} ${y - 3}v6` : `M${x} ${a}V${b}M${x - 3} ${a}h6M${x - 3} ${b}h6`;
    draw(plot, "path", { class: "whisker", d, stroke: style.colour });
    draw(plot, "circle", { cx: x, cy: y, r: 2.6, fill: style.colour });
  }
}

function drawSeries(plot, chart, one, scales) {
  const style = styleOf(chart, one.label);
  if (chart.kind === "bars") {
    const thick = Math.max(1, Math.min(6, Math.abs(scales.y(1) - scales.y(0)) * 0.8));
    let d = "";
    one.y.forEach((y, i) => { d += `M${scales.x(one.low[i]).toFixed(1)} ${scales.y(y).toFixed(1)}H${scales.x(one.high[i]).toFixed(1)}`; });
    draw(plot, "path", { d, stroke: style.colour, "stroke-width": thick, fill: "none" });
  } else if (chart.kind === "forest" || (chart.kind === "cdf" && one.low)) {
    drawWhiskers(plot, one, scales, style, true);
  } else if (chart.kind === "points") {
    one.x.forEach((x, i) => draw(plot, "circle", { cx: scales.x(x), cy: scales.y(one.y[i]), r: 4.5, fill: style.colour, "fill-opacity": 0.75 }));
  } else {
    draw(plot, "path", { class: "line", d: pathOf(one, scales, "y"), stroke: style.colour, "stroke-dasharray": style.dash });
    if (one.low) { drawWhiskers(plot, one, scales, style, false); }
    if (one.x.length <= 40) { one.x.forEach((x, i) => isNumber(one.y[i]) && draw(plot, "circle", { cx: scales.x(x), cy: scales.y(one.y[i]), r: 3, fill: style.colour })); }
  }
}

/* A grid of cells, coloured by the share of the range. */
function drawCells(svg, plot, chart, one, scales, box) {
  const [low, high] = rangeOf([one], ["low"]);
  const [xs, ys] = [one.x, one.y].map((values) => [...new Set(values)].sort((a, b) => a - b));
  const [width, height] = [(box.right - box.left) / xs.length, (box.bottom - box.top) / ys.length];
  one.x.forEach((x, i) => {
    const share = high > low && isNumber(one.low[i]) ? (one.low[i] - low) / (high - low) : 0;
    const [left, top] = [box.left + x * width, box.bottom - (one.y[i] + 1) * height];
    draw(plot, "rect", { x: left, y: top, width: width - 1, height: height - 1, fill: "var(--c1)", "fill-opacity": (0.08 + 0.72 * share).toFixed(3) });
    draw(plot, "text", { x: left + width / 2, y: top + height / 2 + 4, "text-anchor": "middle", style: "fill: var(--ink)" }, show(one.low[i]));
  });
  chart.columns.forEach((name, i) => draw(svg, "text", { x: box.left + (i + 0.5) * width, y: box.bottom + 16, "text-anchor": "middle" }, name));
  chart.rows.forEach((name, i) => draw(svg, "text", { x: box.left - 8, y: box.bottom - (i + 0.5) * height + 4, "text-anchor": "end" }, name));
  draw(svg, "text", { x: (box.left + box.right) / 2, y: box.bottom + 34, "text-anchor": "middle" }, box.xLabel);
}

let clips = 0;

/* Draws one panel anew at the width that it has; returns how to find values below a place. */
function drawPanel(svg, chart, panel, series, width) {
  const longest = Math.max(0, ...(chart.rows || []).map((row) => row.length));
  const height = chart.rows ? 60 + 26 * chart.rows.length : chart.kind === "bars" ? 380 : chart.panels.length > 2 ? 230 : 240;
  const panelIsY = chart.panels.length > 1 && chart.kind === "lines";
  const box = { left: chart.rows ? Math.min(14 + 7 * longest, width / 2) : 68, right: width - 16, top: 8, bottom: height - 44,
    xLabel: chart.kind === "cdf" ? panel : chart.x, yLabel: panelIsY ? panel : chart.y };
  const limits = limitsOf(chart, series);
  const scales = { x: makeScale(limits.x0, limits.x1, box.left, box.right, limits.isLog),
    y: limits.flipped ? makeScale(limits.y0, limits.y1, box.top, box.bottom) : makeScale(limits.y0, limits.y1, box.bottom, box.top) };
  svg.replaceChildren();
  svg.setAttribute("viewBox", "0 0 " + width + " " + height);
  const clip = draw(draw(svg, "clipPath", { id: "clip" + ++clips }), "rect", { x: box.left, y: box.top - 4, width: box.right - box.left + 4, height: box.bottom - box.top + 4 });
  const plot = draw(svg, "g", { "clip-path": "url(#" + clip.parentNode.id + ")" });
  if (chart.kind === "heat") { drawCells(svg, plot, chart, series[0], scales, box); return null; }
  drawAxes(svg, chart, box, limits, scales);
  if (chart.kind === "forest") { draw(plot, "line", { class: "axis", x1: scales.x(0), x2: scales.x(0), y1: box.top, y2: box.bottom }); }
  svg.append(plot);
  for (const one of series) { drawSeries(plot, chart, one, scales); }
  return { box, scales, limits };
}

/* The values nearest to a place, as text. */
function valuesAt(chart, series, drawn, x, y) {
  if (chart.kind === "bars" || chart.kind === "forest") {
    const row = Math.round(drawn.scales.y.back(y)); /* several series may stand in one, a bit apart */
    const place = chart.kind === "forest" ? Math.round : (at) => at;
    let nearest = Infinity;
    for (const one of series) { for (const at of one.y) { if (Math.abs(at - row) < Math.abs(nearest - row)) { nearest = at; } } }
    const found = series.flatMap((one) => one.y.map((at, i) => place(at) === place(nearest) ? one.label + (chart.kind === "forest" ? " " + show(one.x[i]) + "," : "") + " " + show(one.low[i]) + " to " + show(one.high[i]) : null));
    return (chart.rows ? chart.rows[place(nearest)] : chart.row + " " + nearest) + ": " + found.filter((text) => text).join("; ") + " (" + chart.x + ")";
  }
  const at = drawn.scales.x.back(x);
  if (chart.kind === "points") {
    let best = null;
    for (const one of series) { one.x.forEach((value, i) => {
      const distance = Math.hypot(drawn.scales.x(value) - x, drawn.scales.y(one.y[i]) - y);
      if (best === null || distance < best.distance) { best = { distance, text: (one.names ? one.names[i] : one.label) + ": " + chart.x + " " + show(value) + ", " + chart.y + " " + show(one.y[i]) }; }
    }); }
    return best === null ? "" : best.text;
  }
  const parts = series.filter((one) => one.x.length > 0 && !(chart.kind === "cdf" && one.low)).map((one) => {
    let i = 0;
    one.x.forEach((value, k) => { if (isNumber(one.y[k]) && Math.abs(value - at) < Math.abs(one.x[i] - at)) { i = k; } });
    const bounds = hasInterval(one, i) ? " (" + show(one.low[i]) + " to " + show(one.high[i]) + ")" : "";
    return one.label + " " + show(one.y[i]) + bounds + (series.length > 1 || chart.kind === "cdf" ? "" : " at " + show(one.x[i]));
  });
  return show(at) + ": " + parts.join("; ");
}

/* Pointer, wheel and keys of one panel. */
function listen(svg, chart, state, readout) {
  let from = null;
  let cursor = null;
  const placeOf = (event) => {
    const frame = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / frame.width;
    return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
  };
  const point = (x, y) => {
    if (!state.drawn) { return; }
    const { box } = state.drawn;
    x = Math.min(box.right, Math.max(box.left, x));
    state.at = [x, y];
    svg.querySelectorAll(".cursor, .select").forEach((old) => old.remove());
    cursor = draw(svg, "line", { class: "cursor", x1: x, x2: x, y1: box.top, y2: box.bottom });
    if (from !== null) { draw(svg, "rect", { class: "select", x: Math.min(x, from), width: Math.abs(x - from), y: box.top, height: box.bottom - box.top }); }
    readout.textContent = valuesAt(chart, state.series, state.drawn, x, y);
  };
  svg.addEventListener("pointermove", (event) => point(...placeOf(event)));
  svg.addEventListener("pointerleave", () => { if (from === null && cursor) { cursor.remove(); } });
  svg.addEventListener("pointerdown", (event) => { if (chart.zoom) { from = placeOf(event)[0]; svg.setPointerCapture(event.pointerId); } });
  svg.addEventListener("pointerup", (event) => {
    const to = placeOf(event)[0];
    if (chart.zoom && from !== null && Math.abs(to - from) > 8) { chart.zoomTo(...[from, to].sort((a, b) => a - b).map(state.drawn.scales.x.back)); }
    from = null;
    svg.querySelectorAll(".select").forEach((old) => old.remove());
  });
  svg.addEventListener("dblclick", () => chart.zoom && chart.zoomTo(null));
  svg.addEventListener("keydown", (event) => {
    if (!state.drawn) { return; }
    const { box } = state.drawn;
    const [x, y] = state.at || [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    const step = event.shiftKey ? 40 : 8;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (moves[event.key]) { point(x + moves[event.key][0], y + moves[event.key][1]); }
    else if (chart.zoom && (event.key === "+" || event.key === "-")) { chart.zoomBy(event.key === "+" ? 0.5 : 2, state.drawn.scales.x.back(x)); }
    else if (chart.zoom && (event.key === "0" || event.key === "Escape")) { chart.zoomTo(null); }
    else { return; }
    event.preventDefault();
  });
}

function makeLegend(chart) {
  const legend = make("ul", { class: "legend" });
  if (chart.labels.length > 1 || chart.kind === "bars") {
    for (const label of chart.labels) { legend.append(make("li", {}, make("i", { style: "background:" + styleOf(chart, label).colour }), label)); }
  }
  return legend;
}

function addZoom(chart, toolbar, redraw) {
  const [first, last] = rangeOf(chart.series, chart.kind === "bars" ? ["low", "high"] : ["x"]);
  chart.zoomTo = (from, to) => {
    chart.view = from === null || to - from >= last - first ? null : [Math.max(first, from), Math.min(last, to)];
    redraw();
  };
  chart.zoomBy = (factor, around) => {
    const [from, to] = chart.view || [first, last];
    chart.zoomTo(around - (around - from) * factor, around + (to - around) * factor);
  };
  const middle = () => { const [from, to] = chart.view || [first, last]; return (from + to) / 2; };
  const pan = (share) => {
    const [from, to] = chart.view || [first, last];
    const by = Math.max(first - from, Math.min(last - to, share * (to - from)));
    chart.zoomTo(from + by, to + by);
  };
  for (const [text, label, act] of [["+", "Zoom in", () => chart.zoomBy(0.5, middle())], ["−", "Zoom out", () => chart.zoomBy(2, middle())],
    ["←", "Earlier", () => pan(-0.5)], ["→", "Later", () => pan(0.5)], ["All", "Show all of it", () => chart.zoomTo(null)]]) {
    const button = make("button", { type: "button", "aria-label": label, title: label }, text);
    button.addEventListener("click", act);
    toolbar.append(button);
  }
}

function addChart(section, chart) {
  chart.panels = [...new Set(chart.series.map((one) => one.panel))];
  chart.labels = [...new Set(chart.series.map((one) => one.label))];
  const toolbar = make("div", { class: "toolbar" }, makeLegend(chart));
  const readout = make("div", { class: "readout", role: "status" });
  const panels = make("div", { class: chart.panels.length > 1 && chart.kind !== "lines" ? "panels two" : "panels" });
  const states = chart.panels.map((panel) => {
    const series = chart.series.filter((one) => one.panel === panel);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [key, value] of [["role", "img"], ["tabindex", "0"], ["aria-label", describe(chart, panel, series)]]) { svg.setAttribute(key, value); }
    const title = chart.panels.length > 1 && chart.kind !== "lines" && chart.kind !== "cdf" && panel ? make("p", { class: "panel-title" }, panel) : null;
    panels.append(make("div", {}, title, svg));
    return { svg, panel, series, drawn: null, at: null };
  });
  const redraw = () => {
    const widths = states.map((state) => state.svg.getBoundingClientRect().width); /* all before any is drawn */
    states.forEach((state, i) => {
      if (widths[i] > 0) { state.drawn = drawPanel(state.svg, chart, state.panel, state.series, Math.max(260, Math.round(widths[i]))); }
    });
  };
  if (chart.zoom) { addZoom(chart, toolbar, redraw); }
  states.forEach((state) => listen(state.svg, chart, state, readout));
  section.append(make("figure", {}, toolbar, panels, readout));
  let width = 0;
  new ResizeObserver((entries) => {
    if (entries[0].contentRect.width !== width) {
      width = entries[0].contentRect.width;
      requestAnimationFrame(redraw); /* what is drawn changes the height, which would be observed at once */
    }
  }).observe(panels);
}

/* ---- tables ---- */

function compare(a, b) {
  if (a === null || b === null) { return (a === null) - (b === null); }
  return isNumber(a) && isNumber(b) ? a - b : String(a).localeCompare(String(b));
}

function makeRow(table, row, index) {
  const isMarked = table.marked && table.marked.includes(index);
  return make("tr", { class: isMarked ? "marked" : null }, ...row.map((value, i) => make(i === 0 ? "th" : "td",
    { scope: i === 0 ? "row" : null, class: table.columns[i].is_number ? "number" : "text" }, show(value))));
}

function addTable(section, table) {
  const FIRST = 100;
  let order = table.rows.map((row, i) => i);
  let isWhole = table.rows.length <= FIRST * 1.5;
  const body = make("tbody");
  const more = make("button", { type: "button" }, "Show all " + table.rows.length + " rows");
  const fill = () => body.replaceChildren(...(isWhole ? order : order.slice(0, FIRST)).map((i) => makeRow(table, table.rows[i], i)));
  const heads = table.columns.map((column, i) => {
    const button = make("button", { type: "button", title: column.help }, column.label + (column.unit ? " (" + column.unit + ")" : ""));
    const head = make("th", { scope: "col", class: column.is_number ? "number" : null }, button);
    button.addEventListener("click", () => {
      const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction);
      order.sort((a, b) => (direction === "ascending" ? 1 : -1) * compare(table.rows[a][i], table.rows[b][i]) || a - b);
      fill();
    });
    return head;
  });
  more.addEventListener("click", () => { isWhole = true; more.remove(); fill(); });
  fill();
  section.append(make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": table.caption },
    make("table", {}, make("caption", {}, table.caption), make("thead", {}, make("tr", {}, ...heads)), body)), isWhole ? "" : more);
}

/* ---- the other blocks ---- */

function addHeadlines(section, block) {
  section.append(make("dl", { class: "headlines" }, ...block.items.map((item) => {
    if (item.unit && item.label.endsWith(item.unit)) { item.unit = undefined; } /* "output tokens/s" says it */
    const range = isNumber(item.low) && isNumber(item.high) ? show(item.low) + " to " + withUnit(item.high, item.unit) : "";
    const value = isNumber(item.value) || typeof item.value === "string"
      ? make("dd", { class: "value" }, show(item.value), item.unit ? make("small", {}, " " + item.unit) : null)
      : make("dd", { class: "value" }, show(item.low) + "–" + show(item.high), make("small", {}, " " + item.unit));
    return make("div", { class: "headline" }, make("dt", {}, item.label), value,
      make("dd", { class: "range" }, [isNumber(item.value) ? range : "", item.note].filter((text) => text).join(", ")));
  })));
}

function addText(section, block) {
  for (const paragraph of block.paragraphs) { section.append(make("p", {}, paragraph)); }
}

function addCode(section, block) {
  const text = make("pre", { tabindex: 0 }, block.text);
  const copy = make("button", { type: "button" }, "Copy");
  copy.addEventListener("click", () => navigator.clipboard.writeText(block.text).then(() => { copy.textContent = "Copied"; }, () => { copy.textContent = "Select and copy by hand"; }));
  section.append(block.is_long ? make("details", {}, make("summary", {}, block.summary), text) : text, copy);
}

/* ---- the page ---- */

const ADDERS = { headlines: addHeadlines, chart: addChart, table: addTable, text: addText, code: addCode };

function build() {
  const main = document.getElementById("main");
  const list = make("ul");
  document.getElementById("kind").textContent = "kvcast " + data.kind;
  document.getElementById("lead").textContent = data.lead;
  document.getElementById("footer").textContent = data.footer;
  document.getElementById("contents").append(list);
  data.blocks.forEach((block, i) => {
    const section = make("section", block.heading ? { id: "part" + i, "aria-labelledby": "head" + i } : {});
    main.append(section);
    if (block.heading) {
      section.append(make("h2", { id: "head" + i }, block.heading));
      list.append(make("li", {}, make("a", { href: "#part" + i }, block.heading)));
    }
    if (block.note) { section.append(make("p", { class: "note" }, block.note)); }
    ADDERS[block.type](section, block);
  });
}

function keepTheme(theme) {
  try { localStorage.setItem("kvcast-theme", theme); } catch { /* the choice lasts as long as the page */ }
  document.documentElement.dataset.theme = theme;
}

function startTheme() {
  let kept = null;
  try { kept = localStorage.getItem("kvcast-theme"); } catch { /* none is kept */ }
  if (kept === "light" || kept === "dark") { document.documentElement.dataset.theme = kept; }
  document.getElementById("theme").addEventListener("click", () => {
    const isDark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    keepTheme(isDark ? "light" : "dark");
  });
}

window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
startTheme();
build();

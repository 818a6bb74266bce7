"use strict";
// A drawn trace as a plot to zoom and read values from. uPlot (vendor/) is loaded when somebody asks for it.
(() => {
  const VENDOR = new URL("vendor/", document.currentScript.src);
  const { make, added } = Elements;
  const HEIGHT = 320;
  const HOLE_NS = 1e9; // As suite.trace.HOLE_NS: between readings further apart nothing is known.
  // The plot's corners in the drawing: suite/leaderboard/drawing/plot.py and traces.py.
  const [LEFT, RIGHT, TOP, BOTTOM] = [74, 860, 8, 194];

  let loading = null;
  const loaded = () => {
    loading ??= Promise.all([
      added(make("link", { rel: "stylesheet", href: new URL("uPlot.css", VENDOR).href })),
      added(make("script", { src: new URL("uPlot.js", VENDOR).href })),
    ]);
    return loading;
  };

  const seconds = (figure, x) => ((x - LEFT) / (RIGHT - LEFT)) * Number(figure.dataset.end);
  const watts = (figure, y) => ((BOTTOM - y) / (BOTTOM - TOP)) * Number(figure.dataset.high);

  // Each line's points as drawn, [seconds], [watts]; null where a line is broken.
  const drawn = (figure, count) => Array.from({ length: count }, (_, index) => {
    const path = figure.querySelector(`path[data-line="${index}"]`);
    const points = (path?.getAttribute("d") ?? "").split("M").filter(Boolean).flatMap((stretch) => {
      const found = stretch.trim().split(" ").map((point) => point.split(",").map(Number));
      return [...found.map(([x, y]) => [seconds(figure, x), watts(figure, y)]), [seconds(figure, found.at(-1)[0]) + 1e-6, null]];
    });
    return [points.map((point) => point[0]), points.map((point) => point[1])];
  });

  // The mean power between each two readings of a counter.
  const means = ({ at_ns: at, energy_uj: energy }) => {
    const xs = [];
    const ys = [];
    for (let index = 1; index < at.length; index += 1) {
      const length = at[index] - at[index - 1];
      xs.push(at[index] / 1e9);
      ys.push(length > HOLE_NS ? null : (energy[index] - energy[index - 1]) / length * 1e3);
    }
    return [xs, ys];
  };

  // Every reading in the result's own file; null where that cannot be read, as from pages opened from disk.
  const read = async ({ dataset }) => {
    if (location.protocol === "file:") return null;
    const answer = await fetch(dataset.raw);
    if (!answer.ok) return null;
    const result = await answer.json();
    const attempt = result.cells[dataset.cell - 1].attempts[dataset.attempt - 1];
    return attempt.ticks.filter((one) => !result.meters[one.meter].check && one.at_ns.length > 1).map(means);
  };

  const windowsOf = (figure) =>
    Array.from((figure.querySelector("path.shade")?.getAttribute("d") ?? "").matchAll(/M([\d.]+) 8h([\d.]+)/g),
      ([, x, width]) => [seconds(figure, Number(x)), seconds(figure, Number(x) + Number(width))]);

  // The nearest place where a line has a value: lines are read at instants of their own.
  const nearest = (plot, series, index) => {
    const values = plot.data[series];
    for (let step = 0; step < values.length; step += 1) {
      for (const place of [index - step, index + step]) if (values[place] != null) return place;
    }
    return index;
  };

  const shade = (windows, colour) => (plot) => {
    plot.ctx.fillStyle = colour();
    for (const [start, end] of windows) {
      const [left, right] = [start, end].map((at) => plot.valToPos(at, "x", true));
      const from = Math.max(left, plot.bbox.left);
      const to = Math.min(right, plot.bbox.left + plot.bbox.width);
      if (to > from) plot.ctx.fillRect(from, plot.bbox.top, to - from, plot.bbox.height);
    }
  };

  const options = (figure, names, windows, isRead) => {
    // The drawing's own colours, asked for at each painting: the theme may have changed.
    const colour = (selector, kind) => () => getComputedStyle(figure.querySelector(selector))[kind];
    const grid = { stroke: colour("path.grid", "stroke"), width: 1 };
    const axis = { stroke: colour("figcaption", "color"), grid, ticks: grid };
    const lines = names.map((label, index) => ({
      label, stroke: colour(`path[data-key="${index}"]`, "stroke"), width: 1.5, points: { show: false },
      paths: isRead ? uPlot.paths.stepped({ align: -1 }) : undefined,
      value: (plot, watt) => (watt == null ? "—" : `${watt.toPrecision(4)} W`),
    }));
    return {
      width: figure.clientWidth, height: HEIGHT, series: [{ label: "Time", value: (plot, at) => (at == null ? "—" : `${at.toFixed(3)} s`) }, ...lines],
      scales: { x: { time: false }, y: { range: (plot, least, most) => [0, most > 0 ? most * 1.05 : 1] } },
      axes: [{ ...axis, values: (plot, all) => all.map((at) => `${at} s`) }, { ...axis, size: 64, values: (plot, all) => all.map((one) => `${one} W`) }],
      cursor: { dataIdx: (plot, series, index) => (series ? nearest(plot, series, index) : index) },
      hooks: { drawClear: [shade(windows, colour("rect.shade", "fill"))] },
    };
  };

  const chooser = (plot, windows, end) => {
    const stretches = [["the whole attempt", 0, end], ...windows.map(([start, stop], index) => [`window ${index + 1}`, start, stop])];
    const select = make("select", {}, ...stretches.map(([name], index) => make("option", { value: index }, name)));
    select.addEventListener("change", () => {
      const [, min, max] = stretches[select.value];
      plot.setScale("x", { min, max });
    });
    return make("label", {}, "Show ", select);
  };

  const open = async (figure, note) => {
    const names = Array.from(figure.querySelectorAll("[data-name]"), (key) => key.textContent);
    const [own] = await Promise.all([read(figure), loaded()]);
    const windows = windowsOf(figure);
    const place = make("div", { className: "plot" });
    figure.querySelector(":scope > svg").after(place);
    const plot = new uPlot(options(figure, names, windows, own !== null), uPlot.join(own ?? drawn(figure, names.length)), place);
    window.addEventListener("resize", () => plot.setSize({ width: figure.clientWidth, height: HEIGHT }));
    new MutationObserver(() => plot.redraw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const said = own ? "Every reading of the file: the mean power between two of them." : "The drawing's own points: pages opened from disk cannot read the result's file.";
    note.replaceChildren(chooser(plot, windows, Number(figure.dataset.end)), ` ${said} Drag to zoom, double-click to see all.`);
  };

  for (const figure of document.querySelectorAll("figure.trace[data-raw]")) {
    const button = make("button", { type: "button" }, "Zoom and read values");
    const note = make("p", { className: "fields zoom" }, button);
    note.setAttribute("role", "status");
    button.addEventListener("click", () => {
      button.disabled = true;
      open(figure, note).catch(() => { note.textContent = "The plot could not be loaded."; });
    });
    figure.append(note);
  }
})();

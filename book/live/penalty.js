/** Two weights, a round loss, a penalty: where the ℓ1 solution sticks to an axis, and ℓ2's does not. */

import {
  announcer, button, clamp, controls, diamond, disk, dragging, fixed, html, names, path, plot,
  range, readouts, row, sample, slider, svg,
} from "live/figure";

const WIDE = 3; // how far the loss's minimum may lie from the origin, across and up
const HIGH = 2;
const STRONGEST = 3;
const MARGINS = [46, 54]; // what a plot leaves beside and above its scene

/** The minimum of ½(u − a)² + λ|u|. */
export const softThreshold = (a, lambda) => Math.sign(a) * Math.max(Math.abs(a) - lambda, 0);

/** The minimum of ½(u − a)² + ½λu². */
export const shrunk = (a, lambda) => a / (1 + lambda);

/** Both penalized minima, weight by weight. */
export const solutions = ({ first, second, lambda }) => ({
  l1: [first, second].map((a) => softThreshold(a, lambda) + 0), // + 0 makes −0 a 0
  l2: [first, second].map((a) => shrunk(a, lambda) + 0),
});

/** Which weights of a solution are exactly 0, in words. */
export function stuck([first, second]) {
  if (first === 0 && second === 0) return "Both weights of the ℓ1 solution are exactly 0.";
  if (second === 0) return "The ℓ1 solution sticks: its second weight is exactly 0.";
  if (first === 0) return "The ℓ1 solution sticks: its first weight is exactly 0.";
  return "The ℓ1 solution is free: neither weight is 0.";
}

const KINDS = [
  { name: "ℓ1 solution", key: "l1", line: "blue", mark: disk },
  { name: "ℓ2 solution", key: "l2", line: "vermilion dashed", mark: diamond },
];
const FIRST = { first: 1.8, second: 0.5, lambda: 0.8 };

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;
  let found = solutions(state);

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const tenth = (value, bound) => clamp(Math.round(value * 20) / 20, -bound, bound);

  const weights = plot({
    label: "The space of the two weights; the table has the numbers.",
    x: { low: -WIDE, high: WIDE, ticks: [-3, -2, -1, 0, 1, 2, 3], label: "first weight" },
    y: { low: -HIGH, high: HIGH, ticks: [-2, -1, 0, 1, 2], label: "second weight" },
    drag: () => {},
  });
  dragging(weights.element, weights.element, ([px, py]) => {
    const [[x0, y0], [x1, y1]] = [weights.at(0, 0), weights.at(1, 1)];
    set({
      first: tenth((px - x0) / (x1 - x0), WIDE),
      second: tenth((py - y0) / (y1 - y0), HIGH),
    });
  });
  const control = (key, label, bounds) =>
    slider({ label, bounds, say: (value) => fixed(value, 2), change: (value) => set({ [key]: value }) });
  const sliders = {
    first: control("first", "Minimum of the loss: first weight", [-WIDE, WIDE, 0.05]),
    second: control("second", "Minimum of the loss: second weight", [-HIGH, HIGH, 0.05]),
    lambda: control("lambda", "Strength λ", [0, STRONGEST, 0.05]),
  };
  const table = readouts(
    "The penalized minima",
    ["first weight", "second weight"],
    KINDS.map(({ name, line }) => [sample(line), ` ${name}`]),
  );
  const sentence = html("p", { class: "live-sentence" });

  const inside = ([a, b]) => Math.abs(a) <= WIDE && Math.abs(b) <= HIGH;
  const line = (points, name) =>
    svg("path", { class: name, d: path(points.map((place) => weights.at(...place))) });
  /** The part of a circle that lies in the plot, as one or several pieces. */
  const circle = (center, radius, name) => {
    const ring = range(361).map((i) => {
      const angle = (i * Math.PI) / 180;
      return [center[0] + radius * Math.cos(angle), center[1] + radius * Math.sin(angle)];
    });
    const pieces = [[]];
    for (const place of ring) {
      if (inside(place)) pieces.at(-1).push(place);
      else if (pieces.at(-1).length) pieces.push([]);
    }
    return pieces.filter((piece) => piece.length > 1).map((piece) => line(piece, name));
  };
  const corners = (size) => [[size, 0], [0, size], [-size, 0], [0, -size], [size, 0]];
  /** A diamond, cut where it leaves the plot above and below. */
  const rhombus = (size) => {
    const points = [];
    corners(size).slice(1).forEach((end, i) => {
      const start = corners(size)[i];
      for (const step of range(60)) {
        points.push(start.map((value, j) => value + ((end[j] - value) * step) / 60));
      }
    });
    const pieces = [[]];
    for (const place of [...points, corners(size)[0]]) {
      if (inside(place)) pieces.at(-1).push(place);
      else if (pieces.at(-1).length) pieces.push([]);
    }
    return pieces.filter((piece) => piece.length > 1).map((piece) => line(piece, "live-line blue"));
  };

  /** The middles of a diamond's sides, and the corners of an octagon, as far as they are seen. */
  const edges = ([u, v]) => {
    const half = (Math.abs(u) + Math.abs(v)) / 2;
    return [[half, -half], [-half, -half], [-half, half], [half, half]].filter(inside);
  };
  const round = ([u, v]) =>
    range(8).map((i) => (Math.PI * i) / 4).map((angle) =>
      [Math.cos(angle), Math.sin(angle)].map((part) => part * Math.hypot(u, v))).filter(inside);

  const marks = () => {
    const a = [state.first, state.second];
    const distance = ([u, v]) => Math.hypot(a[0] - u, a[1] - v);
    const strip = state.lambda <= HIGH ? [state.lambda, -state.lambda] : [];
    const [x, y] = weights.at(...a);
    return [
      line([[-WIDE, 0], [WIDE, 0]], "live-axis"),
      line([[0, -HIGH], [0, HIGH]], "live-axis"),
      ...strip.map((height) => line([[-WIDE, height], [WIDE, height]], "live-rule")),
      ...circle(a, distance(found.l1), "live-rule"),
      ...rhombus(Math.abs(found.l1[0]) + Math.abs(found.l1[1])),
      ...circle([0, 0], Math.hypot(...found.l2), "live-line vermilion dashed"),
      ...KINDS.map(({ key, line: name, mark }) => mark(weights.at(...found[key]), name)),
      ...names(weights, [
        { name: "ℓ1", line: "blue", points: edges(found.l1) },
        { name: "ℓ2", line: "vermilion", points: round(found.l2) },
      ]),
      svg("path", { class: "live-line green", d: `M${x - 7},${y}h14M${x},${y - 7}v14` }),
      svg("text", { x: x + (state.first > 1 ? -9 : 9), y: y - 9,
        "text-anchor": state.first > 1 ? "end" : "start" }, "minimum of the loss"),
    ];
  };
  const render = () => {
    const across = Math.min(width, 560);
    const unit = (across - MARGINS[0]) / (2 * WIDE);
    weights.render([across, Math.round(2 * HIGH * unit + MARGINS[1])], marks);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    found = solutions(state);
    for (const [name, { show }] of Object.entries(sliders)) show(state[name]);
    table.fill(KINDS.map(({ key }) => found[key].map((value) => fixed(value, 2))));
    sentence.textContent = stuck(found.l1);
    if (width) render();
    return sentence.textContent;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "where the ℓ1 solution sticks to an axis",
    caption:
      "The space of two weights, with a round loss. Drag its minimum (cross). While it is " +
      "between the two thin lines, at most λ from the axis, the second weight of the ℓ1 solution " +
      "(disk) is exactly 0. The ℓ2 solution (diamond) moves freely on the line to the origin.",
    elements: [
      html("div", { class: "live-plots" }, weights.element),
      controls(sliders.first, sliders.second, sliders.lambda),
      row(
        button("Make it stick", () => set({ second: tenth(state.lambda / 2, HIGH) })),
        button("Start again", () => set({ ...FIRST })),
      ),
      table.element,
      sentence,
      spoken.element,
    ],
    draw(space) {
      width = space;
      render();
    },
  };
}

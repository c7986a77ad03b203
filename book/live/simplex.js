/** Three logits, the probabilities that they mean, and where gradient descent takes them. */

import {
  announcer, button, clamp, dragging, fixed, html, path, range, readouts, resize, row, slider,
  svg, tie,
} from "live/figure";

const K = 3;
const LIMIT = 10; // of the logits
const STEPS = 40; // of gradient descent, drawn ahead

/** Logarithms of the probabilities: z/T less the logarithm of the sum of their exponentials. */
export function logSoftmax(z, temperature = 1) {
  const largest = Math.max(...z);
  const shifted = z.map((value) => (value - largest) / temperature);
  const first = shifted.indexOf(0);
  const others = shifted.reduce((sum, value, k) => (k === first ? sum : sum + Math.exp(value)), 0);
  return shifted.map((value) => value - Math.log1p(others));
}

export const softmax = (z, temperature = 1) => logSoftmax(z, temperature).map(Math.exp);

/** The one-hot distribution of a class, with the share ε spread evenly over all classes. */
export const smoothed = (truth, epsilon, classes = K) =>
  range(classes).map((k) => (1 - epsilon) * (k === truth) + epsilon / classes);

/** −Σ q log p in nats, where 0 · log 0 counts as 0. */
export const crossEntropy = (q, logP) =>
  -q.reduce((sum, share, k) => sum + (share && share * logP[k]), 0);

export const entropy = (q) => crossEntropy(q, q.map(Math.log));

/** The gradient of the cross-entropy with respect to the logits: (p − q)/T. */
export const gradient = (z, q, temperature = 1) =>
  softmax(z, temperature).map((p, k) => (p - q[k]) / temperature);

/** The logits after a step of gradient descent at the rate 1, kept on their sliders. */
export function stepped(z, q, temperature = 1) {
  const slope = gradient(z, q, temperature);
  return z.map((value, k) => clamp(value - slope[k], -LIMIT, LIMIT));
}

/** The probabilities on the way: of z itself and after each of the steps. */
export function walk(z, q, temperature = 1, steps = STEPS) {
  let now = z;
  return range(steps + 1).map((t) => {
    if (t) now = stepped(now, q, temperature);
    return softmax(now, temperature);
  });
}

/** Logits with mean 0 that mean the probabilities p. */
export function logitsOf(p, temperature = 1) {
  const logs = p.map((share) => temperature * Math.log(share));
  const mean = logs.reduce((sum, value) => sum + value, 0) / p.length;
  return logs.map((value) => value - mean);
}

const CORNERS = [[0.5, 0], [0, Math.sqrt(0.75)], [1, Math.sqrt(0.75)]]; // in sides of the triangle

/** The place of a distribution in the triangle. */
const placeOf = (p) =>
  [0, 1].map((axis) => p.reduce((sum, share, k) => sum + share * CORNERS[k][axis], 0));

/** The distribution at a place; outside of the triangle some of its entries are negative. */
function distributionAt([x, y]) {
  const top = 1 - y / CORNERS[1][1];
  const right = x - top / 2;
  return [top, 1 - top - right, right];
}

/** Where the plane through a small triangle's three values crosses a level: two points, or none. */
function crossing(places, values, level) {
  const ends = range(3).flatMap((i) => {
    const [a, b] = [i, (i + 1) % 3];
    if (values[a] < level === values[b] < level) return [];
    const share = (level - values[a]) / (values[b] - values[a]);
    return [[0, 1].map((axis) => places[a][axis] + share * (places[b][axis] - places[a][axis]))];
  });
  return ends.length === 2 ? [ends] : [];
}

const FINE = 32;
const corner = (i, j) => {
  const shares = [i, j, FINE - i - j].map((n) => (n + 0.03) / (FINE + 0.09));
  return { place: placeOf(shares), logs: shares.map(Math.log) };
};
const MESH = range(FINE).flatMap((i) =>
  range(FINE - i).flatMap((j) => [
    [corner(i, j), corner(i + 1, j), corner(i, j + 1)],
    ...(i + j < FINE - 1 ? [[corner(i + 1, j), corner(i, j + 1), corner(i + 1, j + 1)]] : []),
  ]),
);

/** Lines of equal loss, in steps of ½ above its minimum. */
function levelLines(q) {
  const lowest = entropy(q);
  const valued = MESH.map((triangle) => ({
    places: triangle.map(({ place }) => place),
    values: triangle.map(({ logs }) => crossEntropy(q, logs)),
  }));
  return range(6).flatMap((n) =>
    valued.flatMap(({ places, values }) => crossing(places, values, lowest + (n + 1) / 2)),
  );
}

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const start = { z: [-1, 2, 0], truth: 0, epsilon: 0, temperature: 1 };
  const state = { ...start };
  const spoken = announcer();
  let side = 0;
  let left = 0;
  const TOP = 34;

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const believe = (shares) => {
    const positive = shares.map((share) => Math.max(share, 5e-4));
    const total = positive.reduce((sum, share) => sum + share, 0);
    const z = logitsOf(positive.map((share) => share / total), state.temperature);
    set({ z: z.map((value) => clamp(value, -LIMIT, LIMIT)) });
  };
  const pixels = (place) => [left + side * place[0], TOP + side * place[1]];

  const scene = svg("g");
  const handle = svg(
    "g",
    { class: "live-handle", tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": 100,
      "aria-label": "The distribution p, a point in the triangle" },
    svg("circle", { class: "live-reach", r: 22 }),
    svg("circle", { class: "live-ring", r: 12 }),
    svg("circle", { class: "live-mark vermilion", r: 7 }),
  );
  const drawing = svg(
    "svg",
    { class: "live-plot live-triangle", role: "group",
      "aria-label": "Distributions over three classes" },
    scene,
    handle,
  );
  const cell = html("div", {}, drawing);
  dragging(handle, drawing, ([x, y]) =>
    believe(distributionAt([(x - left) / side, (y - TOP) / side])),
  );
  handle.addEventListener("keydown", (event) => {
    const p = softmax(state.z, state.temperature);
    const shift = ([x, y]) => distributionAt(placeOf(p).map((value, axis) => value + [x, y][axis]));
    const truth = smoothed(state.truth, 0);
    const toward = (share) => p.map((value, k) => value + share * (truth[k] - value));
    const moves = {
      ArrowLeft: () => shift([-0.02, 0]),
      ArrowRight: () => shift([0.02, 0]),
      ArrowUp: () => shift([0, -0.02]),
      ArrowDown: () => shift([0, 0.02]),
      PageUp: () => toward(0.2),
      PageDown: () => toward(-0.2),
      Home: () => smoothed(0, 1),
      End: () => smoothed(state.truth, state.epsilon),
    };
    if (!(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    believe(moves[event.key]());
  });

  const logitSliders = range(K).map((k) =>
    slider({
      label: `Logit of class ${k}`, bounds: [-LIMIT, LIMIT, 0.1],
      say: (value) => fixed(value, 2),
      change: (value) => set({ z: state.z.with(k, value) }),
    }),
  );
  const temperature = slider({
    label: "Temperature T", bounds: [0.3, 5, 0.1], say: (value) => fixed(value, 1),
    change: (value) => set({ temperature: value }),
  });
  const epsilon = slider({
    label: "Label smoothing ε", bounds: [0, 1, 0.01], say: (value) => fixed(value, 2),
    change: (value) => set({ epsilon: value }),
  });
  const truths = range(K).map((truth) => button(`class ${truth}`, () => set({ truth })));
  const table = readouts(
    "The three classes",
    ["logit z", "probability p", "target q", "slope ∂ℓ/∂z", "next p"],
    range(K).map((k) => `class ${k}`),
  );
  const loss = html("p", { class: "live-sentence" });

  const target = () => smoothed(state.truth, state.epsilon);
  const step = () => set({ z: stepped(state.z, target(), state.temperature) });
  const lose = () => {
    const wrong = (state.truth + 1) % K;
    set({ z: range(K).map((k) => (k === wrong ? 6 : -6)) });
  };
  const raise = () => {
    if (Math.max(...state.z) + 1 <= LIMIT) set({ z: state.z.map((value) => value + 1) });
    else spoken.say("The largest logit is at the end of its slider.");
  };

  const render = (way, q) => {
    const places = way.map((p) => pixels(placeOf(p)));
    const [from, tip] = places;
    const lines = levelLines(q).map((ends) => path(ends.map(pixels))).join("");
    scene.replaceChildren(
      svg("path", { class: "live-level", d: lines }),
      svg("path", { class: "live-axis", d: `${path(CORNERS.map(pixels))}Z` }),
      ...CORNERS.map((place, k) => {
        const [x, y] = pixels(place);
        return svg("text", { x, y: y + (k ? 26 : -16), "text-anchor": "middle" }, `class ${k}`);
      }),
      star(pixels(placeOf(q))),
      svg("path", { class: "live-line blue live-way", d: path(places) }),
      ...places.slice(1).map(([x, y]) => svg("circle", { class: "live-dot blue", cx: x.toFixed(1),
        cy: y.toFixed(1), r: 2.6 })),
      arrow(from, tip),
    );
    const [x, y] = from;
    handle.setAttribute("transform", `translate(${x.toFixed(1)},${y.toFixed(1)})`);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    const q = target();
    const logP = logSoftmax(state.z, state.temperature);
    const p = logP.map(Math.exp);
    const slope = gradient(state.z, q, state.temperature);
    logitSliders.forEach((control, k) => control.show(state.z[k]));
    temperature.show(state.temperature);
    epsilon.show(state.epsilon);
    truths.forEach((one, k) => one.setAttribute("aria-pressed", k === state.truth));
    const way = walk(state.z, q, state.temperature);
    const numbers = (k) => [p, q, slope, way[1]].map((list) => fixed(list[k], 3));
    table.fill(range(K).map((k) => [fixed(state.z[k], 2), ...numbers(k)]));
    const [total, floor] = [crossEntropy(q, logP), entropy(q)];
    loss.textContent = tie(
      `Loss ${fixed(total, 3)} nats: ${fixed(floor, 3)} is the entropy of q, which no p avoids, ` +
      `and ${fixed(Math.max(total - floor, 0), 3)} the divergence KL(q ‖ p).`,
    );
    const shares = p.map((share, k) => `class ${k} ${fixed(100 * share, 1)}%`).join(", ");
    handle.setAttribute("aria-valuenow", fixed(100 * p[state.truth], 1));
    handle.setAttribute("aria-valuetext", shares);
    if (side) render(way, q);
    return `Probabilities: ${shares}. Loss ${fixed(total, 3)} nats.`;
  };

  update();
  return {
    state,
    set,
    sliders: { z: logitSliders[0], temperature, epsilon, truth: { bounds: [0, K - 1, 1] } },
    label: "three logits and the way of their probabilities to the truth",
    caption:
      "The space of the probabilities. Drag the point p, or move it with the arrow keys; or set " +
      "the logits. The star is the target q. Each dot is one step of gradient descent on the " +
      "logits, at the rate 1; the arrow is the first. Where dots crowd, p hardly moves. Thin " +
      "lines: equal loss, in steps of 0.5 above its minimum.",
    elements: [
      html(
        "div",
        { class: "live-beside" },
        cell,
        html(
          "div",
          {},
          ...logitSliders.map(({ element }) => element),
          temperature.element,
          epsilon.element,
        ),
      ),
      html("div", { class: "live-row", role: "group", "aria-label": "The true class" },
        html("span", { "aria-hidden": "true" }, "The truth is"), ...truths),
      row(button("One step downhill", step), button("Sure and wrong", lose),
        button("Raise all logits by 1", raise), button("Start again", () => set(start))),
      table.element,
      loss,
      spoken.element,
    ],
    draw() {
      const width = Math.min(cell.clientWidth, 400);
      side = width - 56;
      left = 28;
      resize(drawing, [width, TOP + side * CORNERS[1][1] + 36]);
      update();
    },
  };
}

function star([x, y]) {
  const points = range(10).map((i) => {
    const [angle, radius] = [(Math.PI * i) / 5, i % 2 ? 4.5 : 11];
    return [x + radius * Math.sin(angle), y - radius * Math.cos(angle)];
  });
  return svg("path", { class: "live-mark green", d: `${path(points)}Z` });
}

function arrow([x0, y0], [x1, y1]) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 1) return svg("g");
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  const head = Math.min(9, length / 2);
  const wing = (turn) =>
    [x1 - head * (ux + 0.55 * turn * uy), y1 - head * (uy - 0.55 * turn * ux)];
  const d = `${path([[x0, y0], [x1, y1]])}${path([wing(1), [x1, y1], wing(-1)])}`;
  return svg("path", { class: "live-line vermilion live-arrow", d });
}

/** Twenty points and a growing number of random waves: the peak at 20, and the ridge that removes it. */

import {
  announcer, button, clamp, controls, disk, fixed, html, names, plot, range, readouts, row, rule,
  sample, slider, svg, words,
} from "live/figure";

/** Where the points lie, what the noise adds to them at strength 1, and how many there are. */
export const X = [
  0.032, 0.063, 0.102, 0.151, 0.241, 0.296, 0.33, 0.386, 0.427, 0.497, 0.541, 0.55, 0.643, 0.652,
  0.736, 0.759, 0.843, 0.877, 0.915, 0.971,
];
export const NOISE = [
  -0.13, 1.37, -0.67, 0.35, 0.9, 0.09, -0.74, -0.92, -0.46, 0.22, -1.01, -0.21, -0.16, 0.54, 0.21,
  0.36, -0.65, -0.13, 0.78, 1.49,
];
export const MOST = 100;
const GRID = range(201).map((i) => i / 200);

/** What the points measure. */
export const truth = (x) => 1 - 4 * Math.abs(x - 0.5);

/** Feature k, a wave: frequency and phase from the fractions of multiples of irrational numbers. */
const share = (value) => value - Math.floor(value);
const frequency = (k) =>
  clamp(14 * Math.tan(Math.PI * (share(0.6180339887 * (k + 1)) - 0.5)), -100, 100);
const phase = (k) => 2 * Math.PI * share(0.7548776662 * (k + 1));

/** The features of one place: p numbers whose squares add up to about a half. */
export const features = (x, p) =>
  range(p).map((k) => Math.cos(x * frequency(k) + phase(k)) / Math.sqrt(p));

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** Turn two vectors in their plane. */
function turn(a, b, cosine, sine) {
  a.forEach((value, i) => {
    a[i] = cosine * value - sine * b[i];
    b[i] = sine * value + cosine * b[i];
  });
}

/** Turn each pair of rows until all are orthogonal: Jacobi's method. `along` turns with them. */
function orthogonalize(rows, along) {
  let largest = 1;
  for (let sweep = 0; sweep < 60 && largest > 1e-13; sweep += 1) {
    largest = 0;
    rows.forEach((a, i) => rows.slice(i + 1).forEach((b, j) => {
      const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
      const size = Math.sqrt(aa * bb);
      if (size === 0 || Math.abs(ab) <= 1e-15 * size) return;
      largest = Math.max(largest, Math.abs(ab) / size);
      const zeta = (bb - aa) / (2 * ab);
      const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
      const cosine = 1 / Math.hypot(1, tangent);
      turn(a, b, cosine, cosine * tangent);
      turn(along[i], along[i + 1 + j], cosine, cosine * tangent);
    }));
  }
}

const identity = (n) => range(n).map((i) => range(n).map((j) => Number(i === j)));
const transposed = (rows) => rows[0].map((_, j) => rows.map((line) => line[j]));

/** The singular value decomposition: [{ s, u, v }, …] with Φ = Σ s u vᵀ. */
export function decompose(matrix) {
  const wide = matrix[0].length > matrix.length;
  const rows = wide ? matrix.map((line) => [...line]) : transposed(matrix);
  const along = identity(rows.length);
  orthogonalize(rows, along);
  return rows.map((line, i) => {
    const s = Math.sqrt(dot(line, line));
    const unit = line.map((value) => value / s);
    return wide ? { s, u: along[i], v: unit } : { s, u: unit, v: along[i] };
  });
}

const design = (p) => X.map((x) => features(x, p));

/** For each number of features, the decomposition and the new places in its directions. */
const prepared = range(MOST).map(() => null);
function prepare(p) {
  if (!prepared[p - 1]) {
    const parts = decompose(design(p));
    const places = GRID.map((x) => {
      const phi = features(x, p);
      return parts.map(({ v }) => dot(phi, v));
    });
    prepared[p - 1] = { parts, places };
  }
  return prepared[p - 1];
}

export const targets = (noise) => X.map((x, i) => truth(x) + noise * NOISE[i]);

/** The answers on the grid: Σ s/(s² + λ) (u·y) v·φ(x), the smallest norm for λ = 0. */
export function answers({ p, noise, strength }) {
  const { parts, places } = prepare(p);
  const y = targets(noise);
  const weights = parts.map(({ s, u }) => (s / (s * s + strength)) * dot(u, y));
  return places.map((place) => dot(place, weights));
}

/** The root of the mean squared distance from the truth, between the points too. */
export function testError(setting) {
  const errors = answers(setting).map((value, i) => (value - truth(GRID[i])) ** 2);
  return Math.sqrt(errors.reduce((sum, value) => sum + value) / errors.length);
}

/** Σ s²/(s² + λ) */
export const effective = ({ p, strength }) =>
  prepare(p).parts.reduce((sum, { s }) => sum + (s * s) / (s * s + strength), 0);

/** The strength of the ridge at a place of its slider: none at 0, then powers of ten. */
export const strengthAt = (place) => (place === 0 ? 0 : 10 ** (place / 3 - 9));

const COUNTS = [...range(40).map((i) => i + 1), ...range(20).map((i) => 43 + 3 * i)];
const FIRST = { p: 20, noise: 0.2, place: 0 };
const LOW = -1.5;
const HIGH = 1.5;

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;
  let fit = [];
  let errors = [];

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const setting = () => ({
    p: state.p, noise: state.noise, strength: strengthAt(state.place),
  });
  const logarithm = (error) => clamp(Math.log10(error), LOW, HIGH);

  const curve = plot({
    label: "The twenty points, the truth and the fitted curve; the table has its error.",
    x: { low: 0, high: 1, ticks: [0, 0.5, 1], label: "x" },
    y: { low: -3, high: 3, ticks: [-2, 0, 2], label: "y" },
    drag: () => {},
  });
  const peak = plot({
    label: "The error between the points against the number of features.",
    x: { low: 0, high: MOST, ticks: [20, 40, 60, 80, 100], label: "number of features" },
    y: { low: LOW, high: HIGH, ticks: [-1, 0, 1], label: "power of ten of the error" },
    drag: (value) => set({ p: clamp(Math.round(value), 1, MOST) }),
  });

  const sliders = {
    p: slider({
      label: "Number of features",
      bounds: [1, MOST, 1],
      say: (p) => String(p),
      change: (p) => set({ p }),
    }),
    noise: slider({
      label: "Noise",
      bounds: [0, 0.5, 0.05],
      say: (noise) => fixed(noise, 2),
      change: (noise) => set({ noise }),
    }),
    place: slider({
      label: "Ridge λ",
      bounds: [0, 27, 1],
      say: (place) => (place === 0 ? "none" : strengthAt(place).toPrecision(1)),
      change: (place) => set({ place }),
    }),
  };
  const table = readouts("The fit", [[sample("blue"), " fitted curve"]], [
    "error between the points", "effective number of parameters",
  ]);

  const render = () => {
    const beside = width >= 560;
    const size = [beside ? (width - 16) / 2 : width, 240];
    curve.render(size, () => [
      curve.curve(GRID, GRID.map(truth), "vermilion dashed"),
      curve.curve(GRID, fit.map((value) => clamp(value, -3, 3)), "blue"),
      ...targets(state.noise).map((y, i) => svg("circle", {
        class: "live-mark green", cx: curve.at(X[i], y)[0], cy: curve.at(X[i], y)[1], r: 3.5,
      })),
      ...names(curve, [
        { name: "the truth", line: "vermilion", points: GRID.map((x) => [x, truth(x)]) },
        { name: "fitted", line: "blue", points: GRID.map((x, i) => [x, clamp(fit[i], -3, 3)]) },
      ]),
    ]);
    peak.render(size, () => [
      rule(peak, [[20, LOW], [20, HIGH]]),
      words(peak, [21.5, LOW], "20 points", "start", -6),
      peak.curve(COUNTS, errors.map(logarithm), "blue"),
      disk(peak.at(state.p, logarithm(testError(setting()))), "blue"),
    ]);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    Object.entries(sliders).forEach(([name, { show }]) => show(state[name]));
    fit = answers(setting());
    errors = COUNTS.map((p) => testError({ ...setting(), p }));
    const error = testError(setting());
    table.fill([[error.toPrecision(2)], [fixed(effective(setting()), 1)]]);
    if (width) render();
    const ridge = state.place === 0 ? "no ridge" : "a ridge";
    return `${state.p} features, ${ridge}: error ${error.toPrecision(2)} between the points.`;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "twenty points, the number of features, and the ridge",
    caption:
      "Twenty points with noise, fitted by random waves. Drag the number of features, in the " +
      "right plot or below it: the error peaks at 20, lower but even without noise, and falls " +
      "again beyond. Then raise the ridge until the peak is gone.",
    elements: [
      html("div", { class: "live-plots" }, curve.element, peak.element),
      controls(sliders.p, sliders.noise, sliders.place),
      row(
        button("Far beyond", () => set({ p: MOST })),
        button("Add a ridge", () => set({ place: 22 })),
        button("Start again", () => set({ ...FIRST })),
      ),
      table.element,
      spoken.element,
    ],
    draw(space) {
      width = space;
      render();
    },
  };
}

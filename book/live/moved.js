/** A digit dragged by pixels and degrees, and what two networks say of it. */

import { DIGITS, WITHOUT, WITH_SHIFTS } from "live/moved-nets";
import {
  announcer, button, clamp, controls, diamond, disk, dragging, fixed, html, names, plot, range,
  readouts, resize, row, sample, slider, svg,
} from "live/figure";

const SIDE = 8;
const FARTHEST = 4; // pixels
const TURN = 90; // degrees
const PLACES = range(2 * FARTHEST + 1).map((i) => i - FARTHEST);

/** A pixel of an image of rows, 0 outside its frame. */
const pixel = (image, i, j) =>
  i >= 0 && i < SIDE && j >= 0 && j < SIDE ? image[SIDE * i + j] : 0;

const everywhere = (value) =>
  range(SIDE * SIDE).map((place) => value(Math.floor(place / SIDE), place % SIDE));

/** Turn around the center, counter-clockwise, by bilinear interpolation. */
export function rotated(image, degrees) {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const middle = (SIDE - 1) / 2;
  return everywhere((i, j) => {
    const y = middle + cos * (i - middle) + sin * (j - middle);
    const x = middle - sin * (i - middle) + cos * (j - middle);
    const [top, left] = [Math.floor(y), Math.floor(x)];
    const [dy, dx] = [y - top, x - left];
    return (
      (1 - dy) * ((1 - dx) * pixel(image, top, left) + dx * pixel(image, top, left + 1)) +
      dy * ((1 - dx) * pixel(image, top + 1, left) + dx * pixel(image, top + 1, left + 1))
    );
  });
}

/** Move by whole pixels; zeros come in. */
export const shifted = (image, down, right) =>
  everywhere((i, j) => pixel(image, i - down, j - right));

/** A map with a border of zeros, ten rows of ten. */
function padded(map) {
  const wide = new Float64Array(100);
  map.forEach((value, place) => {
    wide[10 * Math.floor(place / SIDE) + (place % SIDE) + 11] = value;
  });
  return wide;
}

/** A 3×3 convolution with padding 1 of maps that are 8×8, then ReLU. */
function convolved(maps, weights, biases) {
  const wide = maps.map(padded);
  return biases.map((bias, out) => {
    const sums = new Float64Array(SIDE * SIDE).fill(bias);
    wide.forEach((map, from) => {
      for (let tap = 0; tap < 9; tap += 1) {
        const weight = weights[9 * (out * wide.length + from) + tap];
        const start = 10 * Math.floor(tap / 3) + (tap % 3);
        for (let i = 0; i < SIDE; i += 1) {
          for (let j = 0; j < SIDE; j += 1) sums[SIDE * i + j] += weight * map[start + 10 * i + j];
        }
      }
    });
    return sums.map((sum) => Math.max(sum, 0));
  });
}

/** The largest of each 2×2 pixels, row by row. */
const pooled = (map) =>
  range(16).map((place) => {
    const first = 2 * SIDE * Math.floor(place / 4) + 2 * (place % 4);
    return Math.max(map[first], map[first + 1], map[first + SIDE], map[first + SIDE + 1]);
  });

/** The network that these parameters make; it returns ten probabilities. */
export function network(hundredths) {
  const parameters = hundredths.map((value) => value / 100);
  const [w1, b1, w2, b2, w3, b3] = [72, 8, 1152, 16, 2560, 10].map((length) =>
    parameters.splice(0, length),
  );
  return (image) => {
    const maps = convolved(convolved([image], w1, b1), w2, b2);
    const features = maps.flatMap(pooled);
    const logits = b3.map((bias, k) =>
      features.reduce((sum, value, i) => sum + value * w3[features.length * k + i], bias),
    );
    const highest = Math.max(...logits);
    const shares = logits.map((z) => Math.exp(z - highest));
    const total = shares.reduce((sum, share) => sum + share, 0);
    return shares.map((share) => share / total);
  };
}

export const examples = range(10).map((digit) =>
  DIGITS.slice(64 * digit, 64 * digit + 64).map((value) => value / 16),
);

const NETS = [
  { name: "trained with shifts", says: network(WITH_SHIFTS), line: "blue", mark: disk },
  { name: "trained without", says: network(WITHOUT), line: "vermilion dashed", mark: diamond },
];

/** What both networks say of a moved digit. */
export const probabilities = ({ digit, right, down, degrees }) => {
  const image = shifted(rotated(examples[digit], degrees), down, right);
  return NETS.map(({ says }) => says(image));
};

const FIRST = { digit: 0, right: 0, down: 0, degrees: 0 };

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;
  let curves = [];

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };
  const picture = svg("svg", { class: "live-plot", role: "img",
    "shape-rendering": "crispEdges", "aria-label": "The moved digit, 8 by 8 pixels." });
  const chart = plot({
    label: "The probability of the true digit against the shift; the table has the numbers.",
    x: { low: -FARTHEST, high: FARTHEST, ticks: PLACES.filter((d) => d % 2 === 0),
      label: "pixels to the right" },
    y: { low: 0, high: 1, ticks: [0, 0.5, 1], label: "probability of the true digit" },
    drag: (right) => set({ right: Math.round(right) }),
  });
  dragging(picture, picture, ([x, y]) => {
    const { width: size } = picture.getBoundingClientRect();
    const pixels = (place) =>
      clamp(Math.round((SIDE * place) / size - SIDE / 2), -FARTHEST, FARTHEST);
    set({ right: pixels(x), down: pixels(y) });
  });
  const control = (key, label, bounds, unit) =>
    slider({ label, bounds, say: (value) => fixed(value, 0) + unit,
      change: (value) => set({ [key]: value }) });
  const sliders = {
    right: control("right", "Pixels to the right", [-FARTHEST, FARTHEST, 1], ""),
    down: control("down", "Pixels down", [-FARTHEST, FARTHEST, 1], ""),
    degrees: control("degrees", "Turned counter-clockwise", [-TURN, TURN, 5], "°"),
    digit: control("digit", "Digit", [0, 9, 1], ""),
  };
  const table = readouts(
    "What the networks say",
    ["says", "probability of the true digit"],
    NETS.map(({ name, line }) => [sample(line), ` ${name}`]),
  );
  const sentence = html("p", { class: "live-sentence" });

  const drawDigit = (size) => {
    resize(picture, [size, size]);
    const cell = size / SIDE;
    const image = shifted(rotated(examples[state.digit], state.degrees), state.down, state.right);
    const cells = image.map((value, place) =>
      svg("rect", { x: (place % SIDE) * cell, y: Math.floor(place / SIDE) * cell,
        width: cell, height: cell, fill: "currentColor", "fill-opacity": value.toFixed(3) }),
    );
    const frame = svg("rect", { class: "live-axis", x: 0.5, y: 0.5, width: size - 1,
      height: size - 1 });
    picture.replaceChildren(...cells, frame);
  };
  const marks = () => [
    ...NETS.flatMap(({ line, mark }, k) => [
      chart.curve(PLACES, curves[k], line),
      mark(chart.at(state.right, curves[k][state.right + FARTHEST]), line.split(" ")[0]),
    ]),
    ...names(chart, NETS.map(({ name, line }, k) => {
      const points = PLACES.map((place, i) => [place, curves[k][i]]);
      return { name, line, points };
    })),
  ];
  const render = () => {
    const size = Math.min(width, 230);
    drawDigit(size);
    const rest = width - size - 16;
    chart.render([rest > 240 ? Math.min(rest, 420) : width, 230], marks);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    const turned = rotated(examples[state.digit], state.degrees);
    const moved = PLACES.map((right) => shifted(turned, state.down, right));
    const all = NETS.map(({ says }) => moved.map(says));
    curves = all.map((line) => line.map((p) => p[state.digit]));
    const here = all.map((line) => line[state.right + FARTHEST]);
    const answers = here.map((p) => p.indexOf(Math.max(...p)));
    for (const [name, { show }] of Object.entries(sliders)) show(state[name]);
    table.fill(here.map((p, k) => [String(answers[k]), fixed(p[state.digit], 2)]));
    const verdicts = answers.map((answer) => (answer === state.digit ? "right" : "wrong"));
    sentence.textContent =
      `It is a ${state.digit}. The network trained with shifts is ${verdicts[0]}, ` +
      `the other is ${verdicts[1]}.`;
    if (width) render();
    return sentence.textContent;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "a digit dragged by pixels and degrees",
    caption:
      "Drag the digit. The curves say how probable its true class is to two small " +
      "convolutional networks, at this height and angle, for every shift to the side. One was " +
      "trained on digits shifted by up to one pixel, the other was not. Neither has seen a " +
      "turned digit.",
    elements: [
      html("div", { class: "live-plots" }, picture, chart.element),
      controls(...Object.values(sliders)),
      row(
        button("One pixel to the right", () =>
          set({ right: Math.min(state.right + 1, FARTHEST) })),
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

/** Gain and depth: the size of a signal on its way through a network, and of a gradient back. */

import {
  announcer, button, clamp, controls, disk, fixed, html, plot, range, readouts, row, rule, sample,
  sigmoid, slider, svg,
} from "live/figure";

/** Each activation and its slope. */
export const ACTIVATIONS = {
  ReLU: [(z) => Math.max(z, 0), (z) => Number(z > 0)],
  tanh: [Math.tanh, (z) => 1 - Math.tanh(z) ** 2],
  sigmoid: [sigmoid, (z) => sigmoid(z) * (1 - sigmoid(z))],
};

const STEP = 0.04;
const NODES = range(400).map((i) => (i + 0.5) * STEP - 8); // none at 0, where ReLU has its kink
const DENSITY = NODES.map((z) => (Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI)) * STEP);

/** The root mean square of f for a normal input of a given size. */
const size = (f, scale) =>
  Math.sqrt(NODES.reduce((sum, z, i) => sum + DENSITY[i] * f(scale * z) ** 2, 0));

/** Sizes in a wide network, both starting at 1: of the signal after 0 … depth layers, and of the gradient at the same places, on its way back from the last. */
export function through(name, gain, depth) {
  const [f, slope] = ACTIVATIONS[name];
  const signal = [1];
  const factors = [];
  for (const _ of range(depth)) {
    factors.push(gain * size(slope, gain * signal.at(-1)));
    signal.push(size(f, gain * signal.at(-1)));
  }
  const gradient = [1];
  for (const factor of factors.toReversed()) gradient.unshift(gradient[0] * factor);
  return { signal, gradient };
}

export const GAINS = { "PyTorch's default": 1 / Math.sqrt(3), "Xavier": 1, "He": Math.SQRT2 };

const DEEPEST = 60;
const POWERS = [-22, 16];
const FIRST = { name: "ReLU", gain: 1, depth: 50 };

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  let width = 0;
  let sizes;

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };

  const chart = plot({
    label: "Signal and gradient from layer to layer, in powers of ten; the table has the numbers.",
    x: { low: 0, high: DEEPEST, ticks: [0, 10, 20, 30, 40, 50, 60], label: "layer" },
    y: { low: POWERS[0], high: POWERS[1], ticks: [-20, -10, 0, 10], label: "size, power of ten" },
    drag: (layer) => set({ depth: clamp(Math.round(layer), 1, DEEPEST) }),
  });
  const sliders = {
    gain: slider({
      label: "Gain √n · σ",
      bounds: [0.5, 2.5, 0.01],
      say: (gain) => fixed(gain, 2),
      change: (gain) => set({ gain }),
    }),
    depth: slider({
      label: "Depth",
      bounds: [1, DEEPEST, 1],
      say: (depth) => `${depth} layers`,
      change: (depth) => set({ depth }),
    }),
  };
  const table = readouts(
    "Sizes",
    [
      [sample("blue"), " signal, forward"],
      [sample("vermilion dashed"), " gradient, back"],
    ],
    ["left, in powers of ten", "factor of the last layer it passes"],
  );

  const power = (value) => clamp(Math.log10(value), ...POWERS);
  const render = () => {
    chart.render([width, 270], () => {
      const layers = range(state.depth + 1);
      const last = state.depth;
      const signal = sizes.signal.map(power);
      const gradient = sizes.gradient.map(power);
      const word = (place, text, shift, anchor) => {
        const [x, y] = chart.at(...place);
        return svg("text", { x, y: y + shift, "text-anchor": anchor }, text);
      };
      const falls = signal[last] < 0;
      return [
        rule(chart, [[0, 0], [DEEPEST, 0]]),
        chart.curve(layers, signal, "blue"),
        chart.curve(layers, gradient, "vermilion dashed"),
        disk(chart.at(last, signal[last]), "blue"),
        disk(chart.at(0, gradient[0]), "vermilion"),
        word([last, signal[last]], "signal", falls ? -10 : 18, "end"),
        word([1, gradient[0]], "gradient", gradient[0] < 0 ? 18 : -8, "start"),
      ];
    });
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    sizes = through(state.name, state.gain, state.depth);
    sliders.gain.show(state.gain);
    sliders.depth.show(state.depth);
    const { signal, gradient } = sizes;
    table.fill([
      [signal.at(-1), gradient[0]].map((value) => fixed(Math.log10(value), 1)),
      [signal.at(-1) / signal.at(-2), gradient[0] / gradient[1]].map((value) => fixed(value, 3)),
    ]);
    if (width) render();
    const [forward, back] = [signal.at(-1), gradient[0]].map((v) => fixed(Math.log10(v), 1));
    return `${state.name}, ${state.depth} layers: the signal ends at 10 to the ${forward}, the gradient at 10 to the ${back}.`;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "signal and gradient through depth",
    caption:
      "Sizes in a wide network with random weights. The signal starts at 1 on the left and runs " +
      "forward, the gradient starts at 1 at the last layer and runs back. Drag the gain until " +
      "both are level: with ReLU only √2 does it. With tanh the signal settles by itself.",
    elements: [
      html("div", { class: "live-plots" }, chart.element),
      controls(sliders.gain, sliders.depth),
      row(...Object.keys(ACTIVATIONS).map((name) => button(name, () => set({ name })))),
      row(
        ...Object.entries(GAINS).map(([name, gain]) => button(`${name} gain`, () => set({ gain }))),
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

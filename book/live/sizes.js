/** Depth, width and image size: where the numbers are, where the work is, and how far one sees. */

import {
  announcer, button, controls, diamond, disk, fixed, html, names, plot, range, readouts, row,
  sample, slider, svg, words,
} from "live/figure";

const STAGES = 3;
const CLASSES = 10;
const HIDDEN = 128;

/** Parameters and multiply-adds of each stage and of the head: [[numbers, work], …]. */
export function counts({ convolutions, width, side, pooled }) {
  let channels = 1;
  let pixels = side;
  const parts = range(STAGES).map((stage) => {
    const out = width * 2 ** stage;
    let [numbers, work] = [0, 0];
    for (const _ of range(convolutions)) {
      numbers += (9 * channels + 1) * out;
      work += 9 * channels * out * pixels ** 2;
      channels = out;
    }
    pixels = Math.floor(pixels / 2);
    return [numbers, work];
  });
  const units = pooled ? [channels, CLASSES] : [channels * pixels ** 2, HIDDEN, CLASSES];
  const layers = units.slice(1).map((out, i) => [(units[i] + 1) * out, units[i] * out]);
  return [...parts, total(layers)];
}

/** The sums of both columns. */
export const total = (parts) => parts.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);

/** The receptive field before the first layer and after each window, poolings included. */
export function fields(convolutions) {
  const seen = [1];
  let jump = 1;
  for (const _ of range(STAGES)) {
    for (const __ of range(convolutions)) seen.push(seen.at(-1) + 2 * jump);
    seen.push(seen.at(-1) + jump);
    jump *= 2;
  }
  return seen;
}

const PARTS = ["stage 1", "stage 2", "stage 3", "head"];
const KINDS = [
  { name: "parameters", line: "blue", mark: disk },
  { name: "multiply-adds", line: "vermilion dashed", mark: diamond },
];
const FIRST = { convolutions: 2, width: 8, side: 32, pooled: 0 };

const commas = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const times = (ratio) => `× ${fixed(ratio, 2)}`;

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...FIRST };
  const spoken = announcer();
  const start = total(counts(FIRST));
  let width = 0;
  let shares = [];
  let seen = [];

  const set = (changes) => {
    Object.assign(state, changes);
    spoken.say(update());
  };

  const where = plot({
    label: "Each part's share of the parameters and of the multiply-adds.",
    x: { low: 0, high: 3, ticks: [], label: "" },
    y: { low: 0, high: 100, ticks: [0, 50, 100], label: "share, percent" },
    drag: () => {},
  });
  const sight = plot({
    label: "The receptive field after each layer, and the side of the image.",
    x: { low: 0, high: 21, ticks: [0, 5, 10, 15, 20], label: "layer, poolings counted" },
    y: { low: 0, high: 100, ticks: [0, 50, 100], label: "pixels" },
    drag: () => {},
  });

  const sliders = {
    convolutions: slider({
      label: "Depth: convolutions in each of 3 stages",
      bounds: [1, 6, 1],
      say: String,
      change: (convolutions) => set({ convolutions }),
    }),
    width: slider({
      label: "Width: channels of the first stage",
      bounds: [4, 64, 4],
      say: String,
      change: (channels) => set({ width: channels }),
    }),
    side: slider({
      label: "Image: pixels a side",
      bounds: [8, 64, 8],
      say: String,
      change: (side) => set({ side }),
    }),
  };
  const heads = [0, 1].map((pooled) =>
    button(["Head: flatten, 128 units, 10", "Head: global average, 10"][pooled], () =>
      set({ pooled }),
    ),
  );
  const table = readouts(
    "The whole network",
    [...KINDS.map(({ name, line }) => [sample(line), ` ${name}`]), "receptive field"],
    ["now", "against the start"],
  );

  const render = () => {
    const beside = width >= 560;
    const size = [beside ? (width - 16) / 2 : width, 230];
    where.render(size, () => [
      ...KINDS.map(({ line }, i) => where.curve(range(4), shares.map((part) => part[i]), line)),
      ...KINDS.flatMap(({ line, mark }, i) =>
        shares.map((part, place) => mark(where.at(place, part[i]), line)),
      ),
      ...names(where, KINDS.map(({ name, line }, i) => {
        const points = shares.map((part, place) => [place, part[i]]);
        return { name, line, points };
      })),
      ...PARTS.map((part, place) =>
        words(where, [place, 0], part, ["start", "middle", "middle", "end"][place], 18),
      ),
    ]);
    sight.render(size, () => [
      svg("path", {
        class: "live-rule dotted",
        d: `M${sight.at(0, state.side).join()}L${sight.at(21, state.side).join()}`,
      }),
      words(sight, [0.3, state.side], "the whole image", "start", state.side > 88 ? 16 : -5),
      sight.curve(range(seen.length), seen, "blue"),
      ...seen.map((field, layer) => {
        const [x, y] = sight.at(layer, field);
        return svg("circle", { class: "live-mark blue", cx: x, cy: y, r: 3 });
      }),
    ]);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    const parts = counts(state);
    const sums = total(parts);
    shares = parts.map((part) => part.map((n, i) => (100 * n) / sums[i]));
    seen = fields(state.convolutions);
    for (const name of Object.keys(sliders)) sliders[name].show(state[name]);
    heads.forEach((head, i) => head.setAttribute("aria-pressed", String(i === state.pooled)));
    table.fill([
      [...sums.map(commas), `${seen.at(-1)} pixels`],
      [...sums.map((n, i) => times(n / start[i])), times(seen.at(-1) / FIELD)],
    ]);
    if (width) render();
    const [numbers, work] = sums.map(commas);
    return `${numbers} parameters, ${work} multiply-adds, sees ${seen.at(-1)} of ${state.side} pixels.`;
  };

  update();
  return {
    state,
    set,
    sliders: { ...sliders, pooled: { bounds: [0, 1, 1] } },
    label: "the three sizes of a network",
    caption:
      "Three stages of 3 × 3 convolutions, each stage with twice the channels of the one before " +
      "and ending in a 2 × 2 pooling. Take the global average as head and double the width: " +
      "numbers and work grow nearly fourfold. Double the image: the work does, the numbers stay, " +
      "unless the head is flattened. Only depth lets a pixel see further: the curve on the right " +
      "meets the dotted line where it sees the whole image.",
    elements: [
      html("div", { class: "live-plots" }, where.element, sight.element),
      controls(...Object.values(sliders)),
      row(...heads, button("Start again", () => set({ ...FIRST }))),
      table.element,
      spoken.element,
    ],
    draw(space) {
      width = space;
      render();
    },
  };
}

const FIELD = fields(FIRST.convolutions).at(-1);

/** One axis of an image: which pixels each output sees, for a kernel, stride, padding, dilation. */

import {
  announcer, button, clamp, controls, html, path, range, readouts, resize, row, slider, svg, tie,
} from "live/figure";

const PIXELS = 8;
const LEAST = { kernel: 1, stride: 1, padding: 0, dilation: 1 };
const MOST = { kernel: 5, stride: 5, padding: 4, dilation: 5 };
const START = { kernel: 3, stride: 2, padding: 0, dilation: 1, output: 0 };

/** How many pixels a window covers. */
const covered = ({ kernel, dilation }) => dilation * (kernel - 1) + 1;

/** ⌊(n + 2p − d(k − 1) − 1)/s⌋ + 1, or 0 if no window fits. */
export function outputs(setting, n = PIXELS) {
  const room = n + 2 * setting.padding - covered(setting);
  return room < 0 ? 0 : Math.floor(room / setting.stride) + 1;
}

/** The pixels under the window of one output, counted from 0; those outside 0 … n − 1 are zeros. */
export const seen = ({ kernel, stride, padding, dilation }, output) =>
  range(kernel).map((i) => stride * output + dilation * i - padding);

/** For each pixel of the image the number of windows that see it. */
export function views(setting, n = PIXELS) {
  const counts = range(n).map(() => 0);
  range(outputs(setting, n)).forEach((output) =>
    seen(setting, output).filter((v) => v >= 0 && v < n).forEach((v) => (counts[v] += 1)));
  return counts;
}

/** Words of a list of numbers: "0, 1 and 2". */
const listed = (numbers) =>
  numbers.length < 2 ? numbers.join() : `${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;

const TOP = 32; // middle of the outputs' row, in pixels
const BOTTOM = 138; // and of the image's
const HEIGHT = 192;

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { ...START };
  const spoken = announcer();
  let width = 0;

  const set = (changes) => {
    Object.assign(state, changes);
    state.output = clamp(Math.round(state.output), 0, Math.max(outputs(state) - 1, 0));
    spoken.say(update());
  };
  const scene = svg("g");
  const label = "Pixels below, outputs above; the table says what is seen.";
  const drawing = svg("svg", { class: "live-plot", role: "img", "aria-label": label }, scene);
  const sliders = Object.fromEntries(
    ["Kernel k", "Stride s", "Padding p", "Dilation d"].map((label) => {
      const name = label.split(" ")[0].toLowerCase();
      const bounds = [LEAST[name], MOST[name], 1];
      return [name, slider({ label, bounds, say: String, change: (value) => set({ [name]: value }) })];
    }),
  );
  const table = readouts("One axis", ["outputs", "this output sees", "never seen"], ["8 pixels"]);
  const sentence = html("p", { class: "live-sentence" });

  const next = () => {
    const count = outputs(state);
    set({ output: count ? (state.output + 1) % count : 0 });
  };

  /** The pixels that the chosen output sees, none if no window fits. */
  const chosen = () => (outputs(state) ? seen(state, state.output) : []);

  const render = () => {
    const all = PIXELS + 2 * MOST.padding;
    const unit = Math.min(width / all, 34);
    const left = (width - all * unit) / 2;
    const across = (v) => left + (v + MOST.padding + 0.5) * unit;
    const center = (output) =>
      across(state.stride * output - state.padding + (covered(state) - 1) / 2);
    const box = (x, y, name) => {
      const side = unit * 0.72;
      const [a, b] = [x - side / 2, y - side / 2];
      return svg("path", {
        class: name, d: `${path([[a, b], [a + side, b], [a + side, b + side], [a, b + side]])}Z`,
      });
    };
    const text = (x, y, words) => svg("text", { x, y, "text-anchor": "middle" }, words);
    const marked = chosen();
    const counts = views(state);
    const fan = (output, name) =>
      seen(state, output).map((v) =>
        svg("path", {
          class: name,
          d: path([[across(v), BOTTOM - unit * 0.36], [center(output), TOP + unit * 0.36]]),
        }));
    const places = range(PIXELS + 2 * state.padding).map((i) => i - state.padding);
    resize(drawing, [width, HEIGHT]);
    scene.replaceChildren(
      ...range(outputs(state)).flatMap((output) => fan(output, "live-rule")),
      ...(marked.length ? fan(state.output, "live-line vermilion") : []),
      ...places.map((v) => {
        const inside = v >= 0 && v < PIXELS;
        const name = marked.includes(v)
          ? `${inside ? "live-mark" : "live-line"} vermilion`
          : inside ? "live-mark blue" : "live-rule dotted";
        return box(across(v), BOTTOM, name);
      }),
      ...range(outputs(state)).map((output) =>
        box(center(output), TOP, output === state.output ? "live-mark vermilion" : "live-axis")),
      ...counts.map((count, v) => text(across(v), BOTTOM + unit * 0.36 + 16, String(count))),
      text(width / 2, BOTTOM + unit * 0.36 + 34, "windows that see each pixel"),
      text(width / 2, 10, "outputs"),
    );
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    const { kernel: k, stride: s, padding: p, dilation: d } = state;
    for (const [name, control] of Object.entries(sliders)) control.show(state[name]);
    const count = outputs(state);
    const lost = views(state).filter((number) => number === 0).length;
    const pixels = chosen().filter((v) => v >= 0 && v < PIXELS);
    const zeros = chosen().length - pixels.length;
    const sees = [
      ...(pixels.length ? [`pixel${pixels.length > 1 ? "s" : ""} ${listed(pixels)}`] : []),
      ...(zeros ? [`${zeros} of the padding`] : []),
    ].join(", ");
    table.fill([[String(count), sees || "–", String(lost)]]);
    const formula = `⌊(${PIXELS} + 2 · ${p} − ${d} · (${k} − 1) − 1) / ${s}⌋ + 1`;
    sentence.textContent = tie(
      count
        ? `${formula} = ${count} output${count > 1 ? "s" : ""}. ` +
          (lost ? `No window sees ${lost} of the ${PIXELS} pixels.` : "Every pixel is seen.")
        : `The window covers ${covered(state)} pixels, more than the ${PIXELS + 2 * p} that ` +
          "there are: it does not fit.",
    );
    if (width) render();
    return sentence.textContent;
  };

  update();
  return {
    state,
    set,
    sliders,
    label: "which pixels each output sees",
    caption:
      "One axis of an image of 8 pixels (filled), with its padding (dotted), and the outputs above. " +
      "Press the button to go from output to output. Find a setting with 8 outputs and stride 1, " +
      "and one that leaves pixels unseen.",
    elements: [
      html("div", {}, drawing),
      row(
        button("Next output", next),
        button("Start again", () => set({ ...START })),
      ),
      controls(...Object.values(sliders)),
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

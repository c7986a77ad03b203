/** What the live figures share: elements, controls, plots, and how a figure takes its place. */

const SVG = "http://www.w3.org/2000/svg";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The logistic function, from an exponential that cannot overflow. */
export function sigmoid(z) {
  const small = Math.exp(-Math.abs(z));
  return (z >= 0 ? 1 : small) / (1 + small);
}

/** log(1 + eᶻ) = −log σ(−z), without overflow. */
export const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The numbers 0 … n − 1. */
export const range = (n) => Array.from({ length: n }, (_, i) => i);

/** A number with a real minus sign and fixed decimals. */
export const fixed = (value, decimals) =>
  signed(value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1"));

/** A number in three digits, in powers of ten where it is small: 0.0417, 2.5 × 10⁻⁷. */
export function digits(value) {
  if (value === 0 || Math.abs(value) >= 1e-3) return signed(String(Number(value.toPrecision(3))));
  const [mantissa, exponent] = value.toExponential(1).split("e-");
  const power = [...exponent].map((digit) => SUPERSCRIPTS[digit]).join("");
  return signed(`${mantissa} × 10⁻${power}`);
}

/** Keep formulas on one line. */
export const tie = (text) =>
  text.replace(/ ([=−‖<]) /g, "\u00a0$1\u00a0").replace(/([●◆]) /g, "$1\u00a0");

const signed = (text) => text.replace("-", "−");

export const html = (tag, attributes = {}, ...children) =>
  dress(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  dress(document.createElementNS(SVG, tag), attributes, children);

/** Set attributes; one that starts with "on" is a listener. */
function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

let count = 0;

/** A labeled range; `say` puts its value into words, `change` hears of the reader's moves. */
export function slider({ label, bounds, say, change }) {
  const [min, max, step] = bounds;
  const id = `live-${(count += 1)}`;
  const value = html("span", { class: "live-value", "aria-hidden": "true" });
  const input = html("input", { id, type: "range", min, max, step });
  input.addEventListener("input", () => change(Number(input.value)));
  const show = (number) => {
    input.value = number;
    value.textContent = say(number);
    input.setAttribute("aria-valuetext", say(number));
  };
  const limit = (most) => (input.max = most);
  const name = html("label", { for: id }, label);
  const element = html("div", { class: "live-slider" }, name, value, input);
  return { element, show, limit, bounds };
}

export const button = (label, press) => html("button", { type: "button", onclick: press }, label);

export const controls = (...sliders) =>
  html("div", { class: "live-controls" }, ...sliders.map(({ element }) => element));

export const row = (...children) => html("div", { class: "live-row" }, ...children);

/** A table of readouts: `fill` takes one list of texts for each row. */
export function readouts(caption, columns, rows) {
  const cells = rows.map(() => columns.map(() => html("td")));
  const parts = (name) => [name].flat().map((part) => (part.nodeType ? part : tie(part)));
  const heading = (scope, name) => html("th", { scope }, ...parts(name));
  const head = columns.map((column) => heading("col", column));
  const body = rows.map((name, i) => html("tr", {}, heading("row", name), ...cells[i]));
  const element = html(
    "table",
    { class: "live-readouts" },
    html("caption", {}, caption),
    html("thead", {}, html("tr", {}, html("td"), ...head)),
    html("tbody", {}, ...body),
  );
  const fill = (texts) =>
    texts.forEach((line, i) => line.forEach((text, j) => (cells[i][j].textContent = text)));
  return { element, fill };
}

/** A short sample of a line, for headings and legends. */
export const sample = (name) =>
  svg(
    "svg",
    { class: "live-sample", viewBox: "0 0 26 8", width: 26, height: 8, "aria-hidden": "true" },
    svg("path", { class: `live-line ${name}`, d: "M0,4H26" }),
  );

/** A polite region that speaks once the reader has paused. */
export function announcer(delay = 600) {
  const element = html("p", { class: "live-spoken", role: "status", "aria-live": "polite" });
  let timer;
  const say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => (element.textContent = text), delay);
  };
  return { element, say };
}

/** The path through points, [[x, y], …], in tenths of a pixel. */
export const path = (points) =>
  `M${points.map((place) => place.map((value) => value.toFixed(1)).join()).join("L")}`;

const MARGIN = { left: 34, right: 12, top: 22, bottom: 32 };

/** A plot. `x` and `y` are { low, high, ticks, label }; `drag` hears of x under the pointer. */
export function plot({ label, x, y, drag }) {
  const scene = svg("g");
  const element = svg("svg", { class: "live-plot", role: "img", "aria-label": label }, scene);
  let width = 0;
  let height = 0;
  const across = () => width - MARGIN.left - MARGIN.right;
  const up = () => height - MARGIN.top - MARGIN.bottom;
  const at = (a, b) => [
    MARGIN.left + ((a - x.low) / (x.high - x.low)) * across(),
    height - MARGIN.bottom - ((b - y.low) / (y.high - y.low)) * up(),
  ];
  dragging(element, element, ([px]) => {
    const share = clamp((px - MARGIN.left) / across(), 0, 1);
    drag(x.low + share * (x.high - x.low));
  });
  return {
    element,
    at,
    across,
    curve: (xs, ys, name) =>
      svg("path", { class: `live-line ${name}`, d: path(xs.map((value, i) => at(value, ys[i]))) }),
    render(size, marks) {
      [width, height] = size;
      resize(element, size);
      scene.replaceChildren(...axes(x, y, at), ...marks());
    },
  };
}

/** Give a drawing its size in pixels, so that its text is as large as the page's. */
export function resize(element, [width, height]) {
  element.setAttribute("viewBox", `0 0 ${width} ${height}`);
  element.setAttribute("width", width);
  element.setAttribute("height", height);
}

function axes(x, y, at) {
  const text = (place, shift, anchor, content) =>
    svg("text", { class: "live-scale", x: place[0] + shift[0], y: place[1] + shift[1],
      "text-anchor": anchor }, content);
  return [
    svg("path", {
      class: "live-axis",
      d: path([at(x.low, y.high), at(x.low, y.low), at(x.high, y.low)]),
    }),
    ...x.ticks.map((tick) => {
      // Half of a long number at the end would stand beyond the picture.
      const [shift, anchor] =
        tick === x.high && String(tick).length > 3 ? [MARGIN.right, "end"] : [0, "middle"];
      return text(at(tick, y.low), [shift, 16], anchor, signed(String(tick)));
    }),
    ...y.ticks.map((tick) => text(at(x.low, tick), [-6, 4], "end", signed(String(tick)))),
    text(at(x.high, y.low), [0, 30], "end", x.label),
    text(at(x.low, y.high), [-20, -10], "start", y.label),
  ];
}

/** A thin line through points of a plot, [[x, y], …]. */
export const rule = (chart, points, kind = "") =>
  svg("path", {
    class: `live-rule ${kind}`.trim(), d: path(points.map((place) => chart.at(...place))),
  });

/** Words at a place of a plot, moved down by some pixels. */
export function words(chart, place, content, anchor, down = 0) {
  const [x, y] = chart.at(...place);
  return svg("text", { x, y: y + down, "text-anchor": anchor }, content);
}

/** The names of curves, [{ name, line, points }, …]: each where the others are farthest away. */
export function names(chart, curves) {
  const shown = curves.filter(({ points }) => points.length);
  const few = (points) => points.filter((_, i) => i % Math.ceil(points.length / 60) === 0);
  const places = shown.map(({ points }) => few(points).map((point) => chart.at(...point)));
  return shown.map(({ name, line }, k) => {
    const others = places.filter((_, j) => j !== k).flat();
    const nearest = ([x, y]) =>
      others.map(([a, b]) => [Math.hypot(a - x, b - y), b - y])
        .reduce((best, next) => (next[0] < best[0] ? next : best), [Infinity, 0]);
    const room = (place) => nearest(place)[0];
    const [x, y] = places[k].reduce((best, place) => (room(place) > room(best) ? place : best));
    const beside = nearest([x, y])[1];
    const below = beside < 0 || (beside === 0 && k > 0) || y < 1.5 * MARGIN.top;
    const [left, right] = [0.3, 0.7].map((share) => share * chart.across() + MARGIN.left);
    const anchor = x < left ? "start" : x > right ? "end" : "middle";
    const attributes = { class: `live-name ${line.split(" ")[0]}`, "text-anchor": anchor };
    return svg("text", { ...attributes, x, y: y + (below ? 20 : -10) }, name);
  });
}

/** Marks that differ in shape as well as in color. */
export const disk = ([x, y], name) =>
  svg("circle", { class: `live-mark ${name}`, cx: x, cy: y, r: 5 });

export const diamond = ([x, y], name) =>
  svg("path", { class: `live-mark ${name}`, d: `M${x - 6.5},${y}l6.5,-6.5l6.5,6.5l-6.5,6.5z` });

/** Report the pointer's place in a drawing while it is dragged from `handle`. */
export function dragging(handle, drawing, report) {
  const place = (event) => {
    const box = drawing.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    handle.setPointerCapture(event.pointerId);
    report(place(event));
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) report(place(event));
  });
}

/** The address of a figure in a state, "#fig-bowl&eta=2.05&kappa=10": a link opens it so. */
export const address = (id, state) => `#${id}&${new URLSearchParams(Object.entries(state))}`;

/** What an address asks of this figure, or null: values of the kinds that its state has. */
export function asked(hash, id, state) {
  if (!hash.startsWith(`#${id}&`)) return null;
  const query = [...new URLSearchParams(hash.slice(id.length + 2))];
  const found = query.filter(([name]) => name in state).map(([name, text]) => {
    const like = state[name];
    if (typeof like === "string") return [name, text];
    const numbers = text.split(",").map(Number);
    const sound = numbers.length === [like].flat().length && numbers.every(Number.isFinite);
    return [name, !sound ? like : Array.isArray(like) ? numbers : numbers[0]];
  });
  return Object.fromEntries(found);
}

/** The values nearest to those asked for that the sliders, { name: { bounds } }, can take. */
export function within(changes, sliders) {
  const near = ([low, high, step]) => (value) =>
    clamp(step >= 1 ? low + step * Math.round((value - low) / step) : value, low, high);
  return Object.fromEntries(Object.entries(changes).map(([name, value]) => {
    if (!(name in sliders)) return [name, value];
    const nearest = near(sliders[name].bounds);
    return [name, Array.isArray(value) ? value.map(nearest) : nearest(value)];
  }));
}

/** Keep in the address what the reader changes, and take the state from there. */
function remember(host, figure, { state, set, sliders }) {
  const first = structuredClone(state);
  const follow = () => {
    const changes = asked(location.hash, figure.id, first);
    if (!changes) return;
    try {
      set(within(changes, sliders));
    } catch {
      set(structuredClone(first)); // an address written by hand may ask for what there is not
    }
    figure.scrollIntoView();
  };
  let kept = address(figure.id, first);
  let timer;
  const keep = () => {
    const now = address(figure.id, state);
    if (now !== kept) history.replaceState(null, "", now);
    kept = now;
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 300);
  };
  for (const kind of ["input", "click", "keyup", "pointerup"]) host.addEventListener(kind, later);
  addEventListener("hashchange", follow);
  follow();
}

/** Let the live figure and its caption take the static one's place; print keeps the static one. */
export function mount(host, build) {
  const figure = document.getElementById(host.dataset.replaces);
  const { label, caption, elements, draw, ...memory } = build();
  host.setAttribute("role", "group");
  host.setAttribute("aria-label", `Live figure: ${label}`);
  host.append(...elements);
  figure.insertBefore(host, figure.querySelector("figcaption"));
  const own = html("span", { class: "live-caption" }, tie(caption));
  figure.querySelector(".caption-text")?.after(own);
  figure.classList.add("is-live");
  const fit = () => host.clientWidth > 0 && draw(host.clientWidth); // on paper it has no width
  new ResizeObserver(fit).observe(host);
  fit();
  remember(host, figure, memory);
}

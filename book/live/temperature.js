/** Temperature: one number divides all logits; loss and calibration move, the accuracy does not. */

import {
  announcer, button, clamp, controls, diamond, disk, fixed, html, path, plot, range, readouts, row,
  rule, slider, svg, tie,
} from "live/figure";

/** 300 validation images as the chapter's first network sees them, 20 hex digits each: how far every logit lies below the largest, in tenths, the label's first. */
const GAPS = [
  "0068717478b3becbffff00728d91939cc7cde1ff2b00254261617180a6c300757f8fa4a8a8b3c2fa",
  "00889193b4d0d8feffff00797a9899b8c1ffffff09000c113c4c808a9acc006f7274799bc6cacde6",
  "00435a5f6a777dbfd6ff00424a54676e707b89da003a3f4f5456708594ab0032414c5375777dade8",
  "0011545e646a6f8297be020053577a868fb8bff2001c2c2f585b798385ae00727b8e8e919b9fb6e7",
  "0060839596a9abc2cae4005e7096afc0cdd1e0e90075b4c4c6d4d7dcffff003e626e7479b7bed4ff",
  "002b4d606fb2c0cbcdf4001f21275e6b6c758faf0057878eb2b9d3edffff005973888d8d9fa5e5ff",
  "008a8fbdc4caecf3ffff0064828b939dc8cedfff0025264a5186a3acbed2004e7884939bccdbffff",
  "003761678f91a9afffff001a1d2f3337506c6fa3007d7f94bdc9c9dbffff0098a5adc5cadcfeffff",
  "004360626f9da8d8dde9001740497b859194ffff005a899199c8cfe2e3ff00284b547a7d829dc1e3",
  "004c5f6365909497b9c40026406280838aaeb4d5005a6673919da4a8b2d8006d7070768cd4dadbdc",
  "2200305a62697c9199a6003842628d8d9aa4b7ff00173c55568294a6f3fc00545783a6cfd7e1e9eb",
  "000853536e6f749fb8b9002d515e7e8f8fabd8f100487b8c919eb1cdd4e40082aebabcd2d2f4ffff",
  "003658647c7d82b4b9fa006a6c8ca1a1bed2d2e00038474963707aa2a8bb0023444557595e6d8493",
  "0064878b949aa8e6fcff001414243238494f969c0011435151637b90ffff005e69748a9ed1ebffff",
  "0079858694a2b1b5bce4005a717c81898a8f9ed2004c5a67677f8eaac0d200aaafb0b0c6def2ffff",
  "006db0b5b5c6d7ecfaff002b3b434d556d9fffff0055868f8f9ab2bebfcb004e575a74818bc0c9cb",
  "00587c909b9bd4deffff004467708587aeb3cdce00414859617c7f8598c0006f7273a1c6d4d7ffff",
  "0034788b8c8cc0c4e2ea0047677178869ba4a8af006e7c96aebbe3ffffff00568ca0c7deffffffff",
  "005d657d88b5b7bcc9ee004192a3b0b1d7e2e5ff00566473808cbfc3e2ff00585c85899698bef0ff",
  "00363b64777a8484999d000c426b83989fc8d3d800828a8b9bb9bdc5cfe5005260676c91b1c8c8ef",
  "00172455687e8395a9b1005474809fb3b7b9c5ff00596c79a8b1b2b8beff003b4c4f646570767eb0",
  "0500012733475f6e8ba941001d495c5d5dafc2e0007d929aacccdcdeffff003e46659297babecbd2",
  "003c4652898b9cb3c3cf00425253717c96c5fbff0024465361727f99a9b800818e9ba2aab6b9ffff",
  "007f828a9293abbcffff00487d99b5b6bfcbceff001e222a868a92aab4ff3f00333a444c668fb0f2",
  "0033538892959ba7abd9006978869c9fa6a8b8e5100019212a2e5a657b8300657e809ad3d5ddf2ff",
  "00305b5d638a959ab5f90023383a606363798995005a747c7da4d1d8daff00656671729aa8bbd4da",
  "004d65868ca2b5dcffff006d6d73878f98c9edff00354f6e75c6d8f2f7ff00565e698c90a2afafc7",
  "001e484d52525a808cc300868a8d95a6baf1ffff5e0046555b60777b95a1001422484b535b68a5ab",
  "37002b4e54696e8b98a300517a9ba0a5c5ccdeff00283a3f636facccd0ff00516276828b8eaeced0",
  "00323a3a5a686e6f748b005360658282a2aec1ff0400071e2a2f458eb7c800101214182124577891",
  "005f686f7b7e878eaeca00324b6a708390b1bddc004e515c7071a9cedaff0047868bb1b5bde3ffff",
  "00696a75a9c9d7e5ffff006f7b8b9ca2acceffff002941566671a2a8ffff002f72819da8adc8e8f8",
  "00014959667b9da7e5f11d00030c414a78a0a5fa003754707aa6abdee4ff0b00060611163041739a",
  "003d5f6581bfc0c9caf500276b6b71758ddcddf7005b7e98a0dce3ffffff004b838599a4b4e4f5ff",
  "007e848ba2bacbe2eaff007e99b1bacbefffffff0056687a7b8aadadecff00293041435e6975a4d7",
  "0029333c5d677e8697b00075a7abacb0c8d9deff00272e486169696c719e0031727b84aeb7b8ccd0",
  "00424f657576777db1c400488290a5b5bed0d4ff00062f53566a76b6cde40073a3adb8bfdaf5ffff",
  "00737476b7cad1e1ffff007c8899a8e0e2ffffff002d5a66797d8da0ffff00577b8c8f91a4a6d6ff",
  "0079879195a0acd0ffff004d5054657b9edbffff190031333e4969afbbcc005d616a7d83c2d4e1ff",
  "004547527376929da7ad006a8c8f9da3b9ecffff0062789eb6cfd6d9dfeb0057656d6e9798a4aeb2",
  "00303b52567f8489a1c2005d679fafb8c0d6eeff003b5077788a9fc4e9e900596b6d6e7a8494bbcb",
  "00637b81adb1b6d1dddd2600153a3d76aaadcdda00545f698588b9bbffff00686a6b7bc5c8d3ffff",
  "003587a9abaeb0bfc7dd0b00031c545e6a6ea9ab00869699b4e5f3ffffff006674939a9fa2cbd0d9",
  "006070799092a8d0dfff006694a0a2adb5ccffff004151667098a2b7bffa00548d9fa3acaeb9c2cd",
  "0033343e4f5e7da6b7fa006465677a7ea3b0c2f2003553658a919aa8cdff003870797b8691a7adbe",
  "003233364c7a8484a7d500555a8493a1abb7c6ee002c35586b848a91e1e600478e8e93a7a7a8c6ff",
  "00364e50565d697696ad00154f5b687a8b98b8df003c4a5556587f858a8a002b2d3d62646877a8ae",
  "000f3e474a4a4e4f6a720038545a92a4afc2c9fc1600343744455f6b797d00626c82858b8dafb9cd",
  "00424b6f7499c0e2ffff004b5a7e829898c3f3ff00174f6e7d8eb4b5c0ff0041707c8ba5a5d2f2fd",
  "006076a1a5abbad5f3f3009098aab9badadee3f9007c93a0c7e6eeffffff000118292b3d454a7c8c",
  "003e444ca8b4b5c7eef3002b4d556e728995aaff00616e7aa7b5bccee4fc07000d1e3438394f6e6f",
  "0011455b74848b9496cf170007555c686ca8b5ff005862646d979cc0deed00548598a4abd0d6dce1",
  "003742595a62686d97c800163138797e8595c4f200334658588ea6a8bce5002a63717582a9b9ccdf",
  "002a3651546c8b8d92940008476b7384afd9e1ff00494e537cbbbbc2d4ff004d718d9fa1b5d9d9ff",
  "00667b8bb1bae5e9ffff007786888a9bb6e6fdff003141465b60606987ba005456667994bccee0ff",
  "004160669fa5a9e5edff00303e52545f5f7379a900556b7aa7c6cdeff2ff00536f7490add9e3e9ff",
  "003d456363708a95c7cb006b7e9599a1a4f1f8ff0006356b767698a8bbc4004d5361757988d1e0f2",
  "34002c525785a7bdceff004a5b819194b2bfe6ff00869ba3a6adc8dee8ff002d4f557278849ac1d4",
  "004e8094969b9bd5f1ff00587d9a9da0afc9e0f50029323a58627e909fff000036434646565e62a0",
  "0066a4a8abb9e8f2fdff00254f51555b5b6793be0006102e38526470777d002e58858ca1a3adcaff",
  "004a505e616287adb1b7004b517b93a8bcdce4ff002648636f7179969faa004d5e5f616678a3bfd0",
  "0044636b98b2c4f5ffff001e3a3e77797ba8ccd70059616a8cc1c4d6ffff00727e888c8d91c2fdff",
  "0050656f758f9cc5e1ec00828d989fbfdeffffff00363f4155596e959ca900425864646b85aaaee3",
  "01001d21316b6e75aae400516e707387898fa0c00068757c8d8f94b3cafa00545d637a94a6c5d8f7",
  "003462819a9eb9cdd3ff005869819ab6d5f6ffff00283743535e718aa2b700898b939eb0cdd4d4ff",
  "006d757b8397bcdaffff006b7c7e7f809599c2cb00323c3f4e576c9ab5b7004e546d718997a3abf0",
  "00636e7276a2b8b9becc0030344166667e98c9fa007677848e8f93a6bbe0006e869abdddeaecfaff",
  "001533415963748bf0ff0031505f6a708599abd7004f5e6a95b1b4b9c2e6006c7b8a9aa1a9e6ffff",
  "00727686c8cdcde6faff003843535e879394b1ff006369859eaabbc0c6e8001c556a8687a4b3bfe5",
  "0045667b7d9a9cacc6ff006a7393a9acb8daf0ff007da3afb3cbd7ddf0ff00535a5c6e9198b3cfe4",
  "003a484a506c878ed1f300667b9b9ea0a7b4c4e2005ea7a8adb9eaebefff00555f62898b8db7cef2",
  "000119767a808d93c8d4007581939da2a6badced001e204c4c5b8ab1eef0004b79819eaebecad3e6",
  "00607895b5c0d1dee7ff002c3f626a7c818687ab004e6781a1a7accbd3e4006e8386aebcc8d1d8f3",
  "0009445052617f8996b200093b43516b757bbbc700585f71848e92adb5ff00373b428a9095a5b5c1",
  "00535986899ebadee5ec008990bfd4d7e7ffffff001e40416f6f9495b0cb007696a7a9b3beedf8ff",
].join("");
const CLASSES = 10;

/** Logits, (300, 10), up to a constant in each row; the label is class 0 everywhere. */
export const LOGITS = range(GAPS.length / (2 * CLASSES)).map((i) =>
  range(CLASSES).map((c) => -parseInt(GAPS.substr(2 * (i * CLASSES + c), 2), 16) / 10));

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((z) => Math.exp(z - largest));
  const total = powers.reduce((sum, value) => sum + value);
  return powers.map((value) => value / total);
}

const scaled = (T) => LOGITS.map((row) => softmax(row.map((z) => z / T)));

/** The mean of −log p of the label. */
export const loss = (T) => mean(scaled(T).map((p) => -Math.log(p[0])));

/** How sure the network is of each answer, and whether it is right. */
export const answers = (T) =>
  scaled(T).map((p) => ({ sure: Math.max(...p), right: p[0] === Math.max(...p) }));

/** The bins that hold images: { count, sure, right }, the last two as means. */
export function reliability(T, bins = 10) {
  const groups = range(bins).map(() => []);
  for (const answer of answers(T)) groups[Math.ceil(answer.sure * bins) - 1].push(answer);
  return groups.filter((group) => group.length).map((group) => ({
    count: group.length,
    sure: mean(group.map(({ sure }) => sure)),
    right: mean(group.map(({ right }) => Number(right))),
  }));
}

/** The gaps between sure and right, weighted by the bins' shares of the images. */
export const calibrationError = (T, bins = 10) =>
  reliability(T, bins).reduce((sum, { count, sure, right }) =>
    sum + (count / LOGITS.length) * Math.abs(right - sure), 0);

export const accuracy = (T) => mean(answers(T).map(({ right }) => Number(right)));

/** The slope of the mean loss in 1/T: the logit expected for the label minus its own. */
const slope = (beta) => mean(LOGITS.map((row) => {
  const p = softmax(row.map((z) => beta * z));
  return row.reduce((sum, z, c) => sum + p[c] * z, 0) - row[0];
}));

/** The temperature with the lowest loss, by bisection for the zero of its slope. */
export function bestTemperature() {
  let [low, high] = [0.01, 10];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    [low, high] = slope(middle) < 0 ? [middle, high] : [low, middle];
  }
  return 2 / (low + high);
}

const BOUNDS = [0.3, 4, 0.01];
const GRID = range(75).map((i) => 0.3 + i / 20);
const LOWEST = 0.2;
const HIGHEST = 0.7;
const FIRST = 1;

/** Build the figure; `mount` puts it into the page. */
export function build() {
  const state = { T: FIRST };
  const spoken = announcer();
  const best = bestTemperature();
  const curve = GRID.map(loss);
  let width = 0;

  const set = ({ T }) => {
    state.T = clamp(Math.round(T * 100) / 100, BOUNDS[0], BOUNDS[1]);
    spoken.say(update());
  };
  const bars = plot({
    label: "How often the network is right against how sure it is; the table has the error.",
    x: { low: 0, high: 1, ticks: [0, 0.5, 1], label: "how sure it is" },
    y: { low: 0, high: 1, ticks: [0, 0.5, 1], label: "how often it is right" },
    drag: () => {},
  });
  const losses = plot({
    label: "The loss against the temperature; the table has the numbers.",
    x: { low: BOUNDS[0], high: BOUNDS[1], ticks: [1, 2, 3, 4], label: "temperature T" },
    y: { low: LOWEST, high: HIGHEST, ticks: [0.2, 0.4, 0.6], label: "loss (nats)" },
    drag: (T) => set({ T }),
  });
  const control = slider({
    label: "Temperature T", bounds: BOUNDS, say: (T) => fixed(T, 2),
    change: (T) => set({ T }),
  });
  const table = readouts(
    "This temperature, the best one, and none",
    ["T", "loss", "calibration error", "accuracy"],
    ["● this T", "◆ best T", "as trained"],
  );
  const sentence = html("p", { class: "live-sentence" });

  const render = () => {
    const size = [width >= 560 ? (width - 16) / 2 : width, 240];
    bars.render(size, () => [
      rule(bars, [[0, 0], [1, 1]], "dotted"),
      ...reliability(state.T).flatMap(({ count, sure, right }) => {
        const [x, y] = bars.at(sure, right);
        return [
          svg("path", { class: "live-line vermilion", d: path([bars.at(sure, sure), [x, y]]) }),
          svg("circle", { class: "live-mark blue", cx: x, cy: y, r: 2.5 + Math.sqrt(count) / 2 }),
        ];
      }),
    ]);
    losses.render(size, () => [
      losses.curve(GRID, curve.map((value) => Math.min(value, HIGHEST)), "blue"),
      diamond(losses.at(best, loss(best)), "green"),
      disk(losses.at(state.T, Math.min(loss(state.T), HIGHEST)), "blue"),
    ]);
  };

  /** Bring everything up to the state; return it in words. */
  const update = () => {
    control.show(state.T);
    const line = (T) =>
      [fixed(T, 2), fixed(loss(T), 3), fixed(calibrationError(T), 3), fixed(accuracy(T), 3)];
    table.fill([line(state.T), line(best), line(1)]);
    const sure = mean(answers(state.T).map((answer) => answer.sure));
    const right = accuracy(state.T);
    sentence.textContent = tie(
      `At T = ${fixed(state.T, 2)} it is ${fixed(100 * sure, 1)}% sure on average ` +
        `and right in ${fixed(100 * right, 1)}%: ${verdict(sure - right)}.`,
    );
    if (width) render();
    return sentence.textContent;
  };

  update();
  return {
    state,
    set,
    sliders: { T: control },
    label: "the temperature, the loss and the calibration",
    caption:
      "One network on 300 images. First, how often it is right against how sure it is; larger " +
      "disks are more images, and the bars to the dotted line are what the calibration error " +
      "adds up. Drag T, in the plot of the loss or below it: disks and loss move, the accuracy " +
      "does not. The diamond is the lowest loss.",
    elements: [
      html("div", { class: "live-plots" }, bars.element, losses.element),
      controls(control),
      row(
        button("Go to the best T", () => set({ T: best })),
        button("Start again", () => set({ T: FIRST })),
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

/** What a surplus of sureness means. */
export const verdict = (surplus) => {
  if (Math.abs(surplus) < 0.005) return "as often as it says";
  return surplus > 0 ? "too sure" : "not sure enough";
};

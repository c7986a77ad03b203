// Whatever scrolls sideways must be reachable by keyboard: give it a place in the tab order
// while it overflows, and take it away when it fits.
const scrollers = document.querySelectorAll(
  "article pre, article .math, article .table-wrapper, article .output, .toc-scroll, .sidebar-scroll",
);

function update(element) {
  const overflows =
    element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight;
  if (overflows && getComputedStyle(element).display !== "inline") element.tabIndex = 0;
  else element.removeAttribute("tabindex");
}

const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => update(target)));
scrollers.forEach((element) => observer.observe(element));

// Sections out of sight are not laid out, and the observer is silent about them: measure a few at
// a time when nothing else is to be done.
const waiting = [...scrollers];
const whenIdle = window.requestIdleCallback ?? ((task) => setTimeout(task, 50));
function measure() {
  waiting.splice(0, 8).forEach(update);
  if (waiting.length) whenIdle(measure);
  else document.documentElement.dataset.measured = "";
}
document.fonts.ready.then(() => whenIdle(measure));

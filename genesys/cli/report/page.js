"use strict";

const figures = JSON.parse(document.getElementById("figures").textContent);

/** Puts the theme's values in place of `var(--x)`, all through a figure. */
function themed(value, style) {
  if (typeof value === "string") {
    return value.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
  }
  if (Array.isArray(value)) return value.map((item) => themed(item, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v, style)]));
  }
  return value;
}

/** Draws a figure in the colours of the page. What is hidden has no width yet and has to wait. */
function draw(id) {
  const element = document.getElementById(id);
  if (!element || !figures[id] || element.offsetParent === null) return;
  const style = getComputedStyle(document.documentElement);
  const { data, layout, width } = themed(figures[id], style);
  layout.font.family = getComputedStyle(document.body).fontFamily;
  if (width) layout.width = Math.max(width, element.parentElement.clientWidth);
  Plotly.react(element, data, layout, { displayModeBar: false, responsive: !width });
  if (!element.dataset.drawn) {
    element.dataset.drawn = "yes";
    element.on("plotly_click", (event) => {
      const name = event.points[0].customdata;
      if (name) location.hash = `design-${name}`;
    });
  }
}

const drawAll = () => Object.keys(figures).forEach(draw);

function pick(scale) {
  for (const panel of document.querySelectorAll(".panel")) {
    panel.hidden = panel.dataset.scale !== scale;
  }
  for (const input of document.querySelectorAll(".picker input")) {
    input.checked = input.value === scale;
  }
  drawAll();
}

/** Opens the card that the address names, and those around it. */
function openTarget(behavior = "instant") {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target instanceof HTMLDetailsElement) target.open = true;
  target.scrollIntoView({ behavior });
}

const pickers = document.querySelectorAll(".picker");
for (const picker of pickers) {
  picker.hidden = false;
  picker.addEventListener("change", (event) => pick(event.target.value));
}
if (pickers.length) {
  document.documentElement.classList.add("picked");
  pick("0");
} else {
  drawAll();
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
// A figure in a fold has a width only once that is open.
document.addEventListener("toggle", (event) => draw(`${event.target.id}-figure`), true);
addEventListener("hashchange", () => openTarget("auto"));
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#design-"]');
  // The address does not change when the same link is followed twice.
  if (link && link.hash === location.hash) openTarget("auto");
});
openTarget();

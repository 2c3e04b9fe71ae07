"use strict";
// What is on the server at the time of a slider, where a query then runs its layers, and how long it takes.
(() => {
  const { data, element, digits, quantity, bisect, network, axes, control } = optsplit;
  const found = data("upload");
  const section = document.getElementById("upload"), answer = document.getElementById("upload-answer");
  const end = found.ends[found.ends.length - 1];
  const [second, clock] = found.scales.find(([step]) => end >= step) ?? [1, found.unit];
  document.getElementById("time-unit").textContent = clock || "in its own unit";
  const recolour = network("upload", found);
  const most = Math.max(...found.steps.map((step) => step.latency));
  const [scale, name] = found.scales.find(([step]) => most >= step) ?? [1, found.unit];
  const svg = document.getElementById("upload-curve");
  const frame = axes(svg,
    { low: 0, high: end / second, log: false, name: "upload, " + clock, show: (v) => digits(v, 3) },
    { low: 0, high: most * 1.08 / scale, log: false, name: "latency, " + name, show: (v) => digits(v, 3) });
  const path = found.steps.map((step, k) => {
    const [x, y] = [frame.x(step.time / second).toFixed(1), frame.y(step.latency / scale).toFixed(1)];
    return k ? `H${x}V${y}` : `M${x} ${y}`;
  });
  svg.append(element("path", { class: "curve", d: path.join("") + `H${frame.right}` }));
  const here = element("circle", { r: 6, class: "here" });
  svg.append(here);
  const starts = found.steps.map((step) => step.time);
  const items = found.units.map((unit) => {
    const item = document.createElement("li");
    item.textContent = unit;
    return item;
  });
  document.getElementById("upload-units").append(...items);
  const after = (values, time) => {
    const first = bisect(values, time);
    return values[first] === time ? first + values.slice(first).findLastIndex((value) => value === time) + 1 : first;
  };
  section.hidden = false;
  const put = control("time", 0, end / second, false, (typed) => {
    const time = Math.round(typed * second);
    const step = found.steps[after(starts, time) - 1];
    const arrived = after(found.ends, time);
    recolour(step.plan);
    const counts = found.places.map((place, p) => `${[...step.plan].filter((c) => c === String(p)).length} on the ${place}`);
    const value = document.createElement("strong");
    value.textContent = quantity(step.latency, found.unit, found.scales);
    answer.replaceChildren(`After ${digits(time / second, 6)} ${clock} a query takes `, value,
      `. Layers: ${counts.join(", ")}; ${arrived} of ${found.units.length} weights are there.`);
    Object.assign(section.dataset, { time, value: step.latency, plan: step.plan, arrived });
    items.forEach((item, k) => { item.className = k < arrived ? "there" : k === arrived ? "coming" : ""; });
    here.setAttribute("cx", frame.x(Math.min(time, end) / second));
    here.setAttribute("cy", frame.y(step.latency / scale));
  });
  put(0);
})();

"use strict";
// What the scripts of a page share: its data, quantities as the package prints them, and a network drawn from data.
const optsplit = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  // on a narrow screen fewer units across, so that layers and texts stay as large
  const narrow = window.matchMedia("(max-width: 40rem)").matches;
  const WIDTH = narrow ? 420 : 1000, LONGEST = narrow ? 34 : 90;

  const data = (name) => JSON.parse(document.getElementById(name + "-data").textContent);

  const element = (name, attributes = {}, text = null) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== null) made.textContent = text;
    return made;
  };

  const digits = (value, count = 6) => String(Number(value.toPrecision(count)));

  // 1234567 ns as "1.23457 ms": the largest scale that the value reaches
  const quantity = (value, unit, scales) => {
    for (const [scale, name] of scales) if (Math.abs(value) >= scale) return digits(value / scale) + " " + name;
    return (digits(value) + " " + unit).trim();
  };

  // the first position whose value is not below x, as bisect_left of Python
  const bisect = (values, x) => {
    let low = 0, high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < x) low = middle + 1; else high = middle;
    }
    return low;
  };

  const shape = (place, x, y, r) => place === "1"
    ? `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`
    : `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;

  const key = (at, places) => {
    places.forEach((place, p) => {
      const mark = element("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
      mark.append(element("path", { d: shape(String(p), 6, 6, 4.5), class: `layer place${p}` }));
      const pair = document.createElement("span");
      pair.append(mark, place);
      at.append(pair);
    });
  };

  // draws the network once; what is returned recolours it by a plan, one digit for each layer and "."
  // where it is off, and rings the layers that send
  const network = (name, found) => {
    const svg = document.getElementById(name + "-network");
    // a deep network goes on in a row below
    const depths = Math.max(...found.x) + 1;
    const rows = Math.ceil(depths / LONGEST), columns = Math.ceil(depths / rows);
    const step = (WIDTH - 40) / columns, right = WIDTH - 20;
    const low = Math.min(...found.y), high = Math.max(...found.y);
    const radius = Math.min(9, 0.36 * step);
    const rise = Math.min(60, Math.max(16, 5 * radius));
    const band = (high - low) * rise + (rows > 1 ? rise + 2 * radius + 10 : 84);
    const row = found.x.map((depth) => Math.floor(depth / columns));
    const x = found.x.map((depth) => 20 + (depth % columns + 0.5) * step);
    const y = found.y.map((lane, v) => (row[v] + 0.5) * band + 6 + (lane - (low + high) / 2) * rise);
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${Math.round(rows * band + 8)}`);
    const kept = element("path", { class: "kept" }), cut = element("path", { class: "cut" });
    const nodes = found.layers.map(() => element("path", { class: "layer" }));
    const titles = found.layers.map((layer, v) => {
      const title = element("title");
      nodes[v].append(title);
      return title;
    });
    const rings = element("g");
    svg.append(kept, ...nodes, cut, rings);
    // along its own lane, then over to the reader; a bow where others stand in between
    const way = (u, v) => {
      if (row[u] !== row[v]) return `M${x[u]} ${y[u]}H${right}M20 ${y[v]}H${x[v]}`;
      if (found.x[v] - found.x[u] <= 1) return `M${x[u]} ${y[u]}L${x[v]} ${y[v]}`;
      if (Math.abs(y[u] - y[v]) > 0.5) {
        return `M${x[u]} ${y[u]}H${x[v] - step}L${x[v]} ${y[v]}`;
      }
      return `M${x[u]} ${y[u]}Q${(x[u] + x[v]) / 2} ${y[u] - 1.1 * rise} ${x[v]} ${y[v]}`;
    };
    const ways = found.edges.map(([u, v]) => way(u, v));
    key(document.getElementById(name + "-key"), found.places);
    return (plan, sending = []) => {
      const same = [], crossing = [], senders = new Set(sending);
      found.edges.forEach(([u, v], k) => {
        if (plan[u] !== plan[v] && plan[u] !== "." && plan[v] !== ".") {
          crossing.push(ways[k]);
          senders.add(u);
        } else same.push(ways[k]);
      });
      kept.setAttribute("d", same.join(""));
      cut.setAttribute("d", crossing.join(""));
      nodes.forEach((node, v) => {
        node.setAttribute("d", shape(plan[v], x[v], y[v], radius));
        node.setAttribute("class", "layer " + (plan[v] === "." ? "off" : "place" + plan[v]));
        titles[v].textContent = found.layers[v] + ": " + (plan[v] === "." ? "off" : found.places[Number(plan[v])]);
      });
      rings.replaceChildren(...[...senders].map((u) =>
        element("circle", { cx: x[u], cy: y[u], r: radius + 3, class: "sender" })));
    };
  };

  // axes in a picture of WIDTH x 260: `across` and `up` are {low, high, log, name, show}; gives both scales
  const axes = (svg, across, up) => {
    const [left, right, top, bottom] = [narrow ? 66 : 84, WIDTH - (narrow ? 14 : 30), 16, 224];
    svg.setAttribute("viewBox", `0 0 ${WIDTH} 278`);
    const scale = (axis, from, to) => {
      const change = axis.log ? Math.log : (value) => value;
      const low = change(axis.low), span = change(axis.high) - low || 1;
      return (value) => from + (to - from) * (change(value) - low) / span;
    };
    const x = scale(across, left, right), y = scale(up, bottom, top);
    const tick = (axis) => {
      const found = [];
      if (axis.log && axis.high / axis.low > 10) {
        const few = Math.log10(axis.high / axis.low) > 3 ? [1] : [1, 2, 5];
        for (let power = Math.floor(Math.log10(axis.low)); power <= Math.ceil(Math.log10(axis.high)); power++) {
          for (const part of few) found.push(part * 10 ** power);
        }
      } else {
        const raw = (axis.high - axis.low) / 5 || 1, power = 10 ** Math.floor(Math.log10(raw));
        const step = power * [1, 2, 5, 10].find((part) => part * power >= raw);
        for (let k = Math.ceil(axis.low / step); k * step <= axis.high; k++) found.push(k * step);
      }
      return found.filter((value) => value >= axis.low * (1 - 1e-9) && value <= axis.high * (1 + 1e-9));
    };
    for (const value of tick(across)) {
      svg.append(element("line", { x1: x(value), x2: x(value), y1: top, y2: bottom, class: "axis" }),
        element("text", { x: x(value), y: bottom + 20, "text-anchor": "middle", class: "label" }, across.show(value)));
    }
    for (const value of tick(up)) {
      svg.append(element("line", { x1: left, x2: right, y1: y(value), y2: y(value), class: "axis" }),
        element("text", { x: left - 6, y: y(value) + 5, "text-anchor": "end", class: "label" }, up.show(value)));
    }
    svg.append(
      element("text", { x: (left + right) / 2, y: bottom + 44, "text-anchor": "middle", class: "label" }, across.name),
      element("text", { x: 18, y: (top + bottom) / 2, "text-anchor": "middle", class: "label",
        transform: `rotate(-90 18 ${(top + bottom) / 2})` }, up.name));
    return { x, y, left, right, top, bottom };
  };

  // a range of 1001 steps and a number for one value; `log` where each step is a factor
  const control = (name, low, high, log, changed) => {
    const range = document.getElementById(name), number = document.getElementById(name + "-number");
    const value = () => {
      const part = Number(range.value) / 1000;
      return Number((log ? low * (high / low) ** part : low + (high - low) * part).toPrecision(4));
    };
    const put = (wanted, from = null) => {
      const part = log ? Math.log(wanted / low) / Math.log(high / low) : (wanted - low) / ((high - low) || 1);
      if (from !== range) range.value = String(Math.round(1000 * Math.min(1, Math.max(0, part))));
      if (from !== number) number.value = digits(wanted, 7);
      range.setAttribute("aria-valuetext", digits(wanted, 6));
      changed(wanted);
    };
    range.addEventListener("input", () => put(value(), range));
    number.addEventListener("input", () => {
      const typed = number.valueAsNumber;
      if (Number.isFinite(typed) && (log ? typed > 0 : typed >= 0)) put(typed, number);
    });
    return put;
  };

  return { data, element, digits, quantity, bisect, network, axes, control };
})();

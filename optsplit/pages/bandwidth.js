"use strict";
// The optimal plan at the bandwidth of a slider; the line and its value are those of Envelope.at and DecisionTable.at.
(() => {
  const { data, element, digits, quantity, bisect, network, axes, control } = optsplit;
  const found = data("bandwidth");
  const section = document.getElementById("bandwidth"), answer = document.getElementById("bandwidth-answer");
  const unit = found.per_byte ? "Mbit/s" : "times this problem's";
  const spoken = found.per_byte ? "Mbit/s" : "times the bandwidth of this problem";
  const shown = (value) => quantity(value, found.unit, found.scales);
  document.getElementById("rate-unit").textContent = unit;
  const recolour = network("bandwidth", found);

  const seconds = (rate) => (found.per_byte ? 1e9 : 1) / (rate * found.weight);
  const at = (level, rate) => {
    const line = level.lines[bisect(level.rates, rate)];
    return { line, level, value: line.fixed + line.slope * seconds(rate) };
  };
  // by falling accuracy the first level that meets the deadline; the fastest where none does
  const choose = (rate, deadline) => {
    const each = found.levels.map((level) => at(level, rate));
    const met = deadline === null ? each[0] : each.find((one) => one.value <= deadline);
    const fastest = each.reduce((best, one) => (one.value < best.value ? one : best));
    return { ...(met ?? fastest), late: met === undefined };
  };

  const state = { rate: found.own ?? Math.sqrt(found.low * found.high), deadline: null };
  const svg = document.getElementById("bandwidth-curve");
  const samples = Array.from({ length: 241 }, (_, k) => found.low * (found.high / found.low) ** (k / 240));
  const curves = found.levels.map((level) => {
    const inside = level.rates.filter((rate) => rate > found.low && rate < found.high);
    return [...samples, ...inside].sort((a, b) => a - b).map((rate) => [rate, at(level, rate).value]);
  });
  const values = curves.flat().map(([, value]) => value);
  if (found.found !== null) values.push(found.found);
  const least = Math.min(...values), most = Math.max(...values);
  const log = least > 0;
  const [scale, name] = found.scales.find(([step]) => most >= step) ?? [1, found.unit];
  const frame = axes(svg,
    { low: found.low / found.scale, high: found.high / found.scale, log: true, name: "bandwidth, " + unit, show: (v) => digits(v, 3) },
    { low: (log ? least / 1.1 : 0) / scale, high: most * 1.1 / scale, log, name: (found.what + ", " + name).replace(/, $/, ""), show: (v) => digits(v, 3) });
  const X = (rate) => frame.x(Math.min(found.high, Math.max(found.low, rate)) / found.scale);
  const Y = (value) => Math.max(frame.top - 6, Math.min(frame.bottom + 6, frame.y(value / scale)));
  const lines = curves.map((curve) => {
    const line = element("path", { class: "curve", d: "M" + curve.map(([rate, value]) => `${X(rate).toFixed(1)} ${Y(value).toFixed(1)}`).join("L") });
    svg.append(line);
    return line;
  });
  for (const level of found.levels) {
    for (const rate of level.rates) {
      if (rate < found.low || rate > found.high) continue;
      svg.append(element("circle", { cx: X(rate), cy: Y(at(level, rate).value), r: 3, class: "break" }));
    }
  }
  const until = element("line", { x1: frame.left, x2: frame.right, class: "deadline" });
  if (found.deadline) svg.append(until);
  if (found.found !== null && found.own !== null) {
    const [x, y] = [X(found.own), Y(found.found)];
    svg.append(element("path", { class: "found", d: `M${x} ${y - 9}L${x + 9} ${y}L${x} ${y + 9}L${x - 9} ${y}z` }));
    document.getElementById("bandwidth-found").textContent = `; diamond: this result (${found.status})`;
  }
  const here = element("circle", { r: 6, class: "here" });
  svg.append(here);

  const rows = document.querySelector("#bandwidth-sent tbody");
  const cells = (tensor, way, size) => {
    const row = document.createElement("tr");
    [tensor, way, size].forEach((text, k) => {
      const cell = document.createElement("td");
      cell.textContent = text;
      if (k === 2) cell.className = "number";
      row.append(cell);
    });
    return row;
  };
  const buttons = [];
  const update = () => {
    const now = choose(state.rate, state.deadline);
    const counts = found.places.map((_, p) => [...now.line.plan].filter((c) => c === String(p)).length);
    recolour(now.line.plan, now.line.sent.map(([, , , , layer]) => layer));
    const sizes = now.line.sent.map(([, , , size]) => size);
    const bytes = sizes.reduce((sum, size) => (sum === null || size === null ? null : sum + size), 0);
    const where = counts.map((n, p) => `${n} on the ${found.places[p]}`).join(", ");
    const much = sizes.length === 0 ? "nothing is sent" : `${sizes.length} tensor${sizes.length > 1 ? "s" : ""} sent` +
      (bytes === null ? "" : `, ${quantity(bytes, "B", found.sizes)}`);
    const exit = now.line.exit === undefined ? ""
      : ` at exit ${now.line.exit} (accuracy ${digits(100 * now.level.accuracy, 4)} %)` +
        (now.late ? "; no exit meets the deadline, this is the fastest" : "");
    const value = document.createElement("strong");
    value.textContent = shown(now.value);
    answer.replaceChildren(`${digits(state.rate / found.scale, 6)} ${spoken}: ${found.what} `, value, `${exit}. Layers: ${where}; ${much}.`);
    Object.assign(section.dataset, { rate: state.rate, value: now.value, plan: now.line.plan, bytes: bytes ?? "", exit: now.line.exit ?? "" });
    here.setAttribute("cx", X(state.rate));
    here.setAttribute("cy", Y(now.value));
    if (found.deadline) {
      until.setAttribute("y1", Y(state.deadline));
      until.setAttribute("y2", Y(state.deadline));
      lines.forEach((line, k) => line.setAttribute("class", found.levels[k] === now.level ? "curve" : "curve other"));
    }
    rows.replaceChildren(...(sizes.length ? now.line.sent.map(([tensor, a, b, size]) =>
      cells(tensor, `${a} to ${b}`, size === null ? "-" : size.toLocaleString("en"))) : [cells("nothing", "", "")]));
    for (const [button, rate] of buttons) button.setAttribute("aria-pressed", String(rate === state.rate));
  };

  const moveTo = control("rate", found.low / found.scale, found.high / found.scale, true, (rate) => {
    state.rate = Math.min(found.proven[1], Math.max(found.proven[0], rate * found.scale));
    update();
  });
  const marks = document.getElementById("rate-marks");
  const named = [...(found.own === null ? [] : [[found.per_byte ? "this problem" : "as it is", found.own]]), ...found.marks];
  for (const [label, rate] of named) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${label} ${digits(rate / found.scale, 4)}`;
    button.addEventListener("click", () => moveTo(rate / found.scale));
    buttons.push([button, rate]);
    marks.append(button);
  }
  section.hidden = false;
  if (found.deadline) {
    const each = found.per_byte ? 1e6 : 1;
    state.deadline = found.deadline.asked;
    const put = control("deadline", found.deadline.low / each, found.deadline.high / each, true, (value) => {
      state.deadline = Math.round(value * each);
      update();
    });
    put(found.deadline.asked / each);
  }
  moveTo(state.rate / found.scale);
})();

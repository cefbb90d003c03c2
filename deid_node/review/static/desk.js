// The picture and its boxes: everything can be done by key, and by mouse.
// Boxes count in stored pixels, half open; what is drawn here decides nothing until it is sent.
"use strict";
(() => {
  const desk = document.getElementById("desk");
  const canvas = document.getElementById("picture");
  const pen = canvas.getContext("2d");
  const { instance, query, token, choices } = desk.dataset;
  const frames = Number(desk.dataset.frames);
  const here = `/instances/${instance}`;
  const may = new Set(choices.split(" "));
  const rest = desk.dataset.rest ? desk.dataset.rest.split(" ") : [];
  let isForAll = false;
  const byId = (id) => document.getElementById(id);
  const MARK = "#f0a93f", STAYS = "#8fa0ae", CHOSEN = "#8cc8ff";
  const LEAST = 3, LATE_MS = 150;

  // What was seen begins as text; `stays` is what a person calls no text.
  let boxes = JSON.parse(desk.dataset.boxes).map((box) => ({ ...box, seen: box.score !== undefined, stays: Boolean(box.stays) }));
  let frame = boxes.length ? boxes[0].frame : 0;
  let chosen = -1;
  let picture = null, showsAfter = false, after = null;
  let view = { scale: 1, left: 0, top: 0 };
  let drag = null, busy = false;
  // Which answers are still waited for: a frame that was asked for comes, whatever becomes of boxes.
  let frameAsked = 0, afterAsked = 0, isMaking = false;

  const isHere = (box) => box.frame === null || box.frame === frame;
  const say = (text, bad = false) => {
    byId("status").textContent = text;
    byId("status").classList.toggle("bad", bad);
  };
  const trouble = (text) => {
    byId("trouble").textContent = text;
    byId("trouble").hidden = !text;
  };

  // --- pictures

  async function bitmap(answer) {
    return createImageBitmap(await answer.blob());
  }

  // What is shown for a frame: its picture, or why there is none.
  async function framed() {
    if (!frames) return { why: "There are no pixels that can be shown." };
    const answer = await fetch(`${here}/frames/${frame}.png`).catch(() => null);
    if (!answer) return { why: "The node does not answer." };
    if (answer.ok) return { made: await bitmap(answer).catch(() => null), why: "It cannot be shown." };
    const told = await answer.json().catch(() => ({ code: "unknown" }));
    return { why: `It cannot be shown (${told.code}).` };
  }

  async function show() {
    const mine = ++frameAsked;
    forget();
    delete desk.dataset.shown;
    scrubber();
    // The frame before stays for a moment, so that a run through frames does not flash.
    const late = setTimeout(draw, LATE_MS);
    const told = await framed();
    clearTimeout(late);
    if (mine !== frameAsked) return;
    picture = told.made ?? null;
    trouble(picture ? "" : told.why);
    desk.dataset.shown = String(frame);
    draw();
  }

  async function made(mine) {
    const answer = await post(`${here}/after`, { at: frame, ...sent() }).catch(() => null);
    if (mine !== afterAsked) return null;
    if (!answer) { say("The node does not answer.", true); return null; }
    if (answer.ok && answer.headers.get("content-type") === "image/png") return bitmap(answer);
    const told = await answer.json().catch(() => ({}));
    say(told.said ? `It would be withheld again: ${told.said}` : `No picture (${told.code}).`, true);
    return null;
  }

  async function flicker() {
    if (showsAfter) { showsAfter = false; draw(); return; }
    if (!after) {
      if (isMaking || !isShown()) return;
      const mine = ++afterAsked;
      isMaking = true;
      say("Making the other picture …");
      const found = await made(mine);
      if (mine !== afterAsked) return;
      isMaking = false;
      if (!found) return;
      after = found;
      say("");
    }
    showsAfter = true;
    draw();
  }

  // The picture that was made is of other boxes, or of another frame.
  function forget() {
    after = null;
    showsAfter = isMaking = false;
    afterAsked += 1;
    say("");
  }

  function changed() {
    forget();
    draw();
  }

  // Who agrees, agrees to what stands there.
  const isEditable = () => picture !== null && isShown() && !desk.dataset.locked;
  const isShown = () => desk.dataset.shown === String(frame);

  // --- drawing

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, width, height);
    byId("flag").hidden = !showsAfter;
    // No frame lies for long under the number, or the boxes, of another.
    if (picture && isShown()) {
      const scale = Math.min(width / picture.width, height / picture.height) * 0.98;
      view = { scale, left: (width - picture.width * scale) / 2, top: (height - picture.height * scale) / 2 };
      pen.imageSmoothingEnabled = scale < 2;
      pen.drawImage(showsAfter ? after : picture, view.left, view.top, picture.width * scale, picture.height * scale);
      if (!showsAfter) boxes.forEach((box, number) => { if (isHere(box)) outline(box, number === chosen); });
    }
    list();
    scrubber();
  }

  function outline(box, isChosen) {
    const [left, top] = [view.left + box.left * view.scale, view.top + box.top * view.scale];
    const [wide, high] = [(box.right - box.left) * view.scale, (box.bottom - box.top) * view.scale];
    pen.setLineDash(box.stays ? [4, 4] : []);
    pen.lineWidth = isChosen ? 2.5 : 1.5;
    pen.strokeStyle = isChosen ? CHOSEN : box.stays ? STAYS : MARK;
    pen.strokeRect(left, top, wide, high);
    pen.setLineDash([]);
    if (box.score !== undefined) {
      pen.font = "11px ui-monospace, monospace";
      pen.fillStyle = pen.strokeStyle;
      pen.fillText(box.score.toFixed(2), left, top > 14 ? top - 4 : top + high + 12);
    }
    if (isChosen) {
      pen.fillStyle = CHOSEN;
      pen.fillRect(left + wide - 4, top + high - 4, 8, 8);
    }
  }

  function list() {
    const rows = boxes.map((box, number) => {
      const button = document.createElement("button");
      const where = box.frame === null ? "all frames" : `frame ${box.frame + 1}`;
      const size = `${box.right - box.left} × ${box.bottom - box.top}`;
      const name = document.createElement("span");
      name.textContent = box.seen ? `seen ${box.score.toFixed(2)}` : "drawn";
      const place = document.createElement("span");
      place.textContent = `${where}, ${size}${box.stays ? ", no text" : ""}`;
      button.append(name, place);
      button.className = box.stays ? "stays" : "";
      button.setAttribute("aria-pressed", String(number === chosen));
      // Who points goes back to the keys of the picture; who came by key stays in the list.
      button.addEventListener("click", (event) => { if (event.detail) canvas.focus(); choose(number); });
      const row = document.createElement("li");
      row.append(button);
      return row;
    });
    const at = [...byId("boxes").querySelectorAll("button")].indexOf(document.activeElement);
    byId("boxes").replaceChildren(...rows.slice(0, 100));
    if (at >= 0) (byId("boxes").querySelectorAll("button")[at] ?? canvas).focus();
  }

  function scrubber() {
    const slider = byId("frame");
    slider.max = String(Math.max(1, frames));
    slider.value = String(frame + 1);
    slider.disabled = frames < 2;
    byId("count").textContent = frames ? `${frame + 1} / ${frames}` : "";
    const ticks = byId("ticks"), ink = ticks.getContext("2d");
    ticks.width = ticks.clientWidth;
    for (const box of boxes) {
      if (box.frame === null || frames < 2) continue;
      ink.fillStyle = box.stays ? STAYS : MARK;
      ink.fillRect(8 + (ticks.width - 18) * box.frame / (frames - 1), 0, 2, 6);
    }
  }

  // --- boxes

  function choose(number) {
    chosen = number;
    if (number >= 0 && !isHere(boxes[number])) go(boxes[number].frame); else draw();
  }

  function nextBox() {
    const order = boxes.map((_, number) => number).filter((number) => isHere(boxes[number]));
    const among = order.length ? order : boxes.map((_, number) => number);
    if (among.length) choose(among[(among.indexOf(chosen) + 1) % among.length]);
  }

  function add(box) {
    boxes.push({ frame: null, seen: false, stays: false, ...box });
    chosen = boxes.length - 1;
    changed();
  }

  function addInTheMiddle() {
    if (!isEditable()) return;
    const wide = Math.max(LEAST, Math.round(picture.width / 4)), high = Math.max(LEAST, Math.round(picture.height / 12));
    const left = Math.round((picture.width - wide) / 2), top = Math.round((picture.height - high) / 2);
    add({ left, top, right: left + wide, bottom: top + high });
  }

  function drop() {
    if (chosen < 0 || !isEditable()) return;
    // What was seen cannot be forgotten: a person says that it is no text, or takes that back.
    if (boxes[chosen].seen) boxes[chosen].stays = !boxes[chosen].stays;
    else { boxes.splice(chosen, 1); chosen = -1; }
    changed();
  }

  function own() {
    // A seen box keeps its place and is no text any more; what moves is a copy of it.
    const box = boxes[chosen];
    if (!box.seen) return box;
    box.stays = true;
    boxes.push({ frame: box.frame, left: box.left, top: box.top, right: box.right, bottom: box.bottom, seen: false, stays: false });
    chosen = boxes.length - 1;
    return boxes[chosen];
  }

  function nudge(across, down, isSize) {
    if (!isEditable()) return;
    const box = own();
    if (isSize) {
      box.right = clip(box.right + across, box.left + LEAST, picture.width);
      box.bottom = clip(box.bottom + down, box.top + LEAST, picture.height);
    } else {
      const wide = box.right - box.left, high = box.bottom - box.top;
      box.left = clip(box.left + across, 0, picture.width - wide);
      box.top = clip(box.top + down, 0, picture.height - high);
      box.right = box.left + wide;
      box.bottom = box.top + high;
    }
    changed();
  }

  const clip = (value, least, most) => Math.min(most, Math.max(least, value));

  function sent() {
    const plain = ({ frame: at, left, top, right, bottom }) => ({ frame: at, left, top, right, bottom });
    return { fill: boxes.filter((box) => !box.stays).map(plain), stays: boxes.filter((box) => box.stays).map(plain) };
  }

  function go(number) {
    const wanted = clip(number, 0, Math.max(0, frames - 1));
    if (wanted === frame) return;
    frame = wanted;
    if (chosen >= 0 && !isHere(boxes[chosen])) chosen = -1;
    show();
  }

  function nextMarked() {
    const marked = [...new Set(boxes.map((box) => box.frame).filter((at) => at !== null))].sort((a, b) => a - b);
    if (marked.length) go(marked.find((at) => at > frame) ?? marked[0]);
  }

  // --- deciding

  const post = (address, body) => fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", "x-desk-token": token },
    body: JSON.stringify(body),
  });

  async function decide(verb, reason = null) {
    if (!may.has(verb) || busy) return;
    // A key that is pressed twice must not decide about what nobody has seen.
    if (!isShown()) { say("Wait for the picture.", true); return; }
    const { fill, stays } = sent();
    if (verb === "fill" && !fill.length) {
      say("There is no box to fill: draw one, or say that it is no text.", true);
      return;
    }
    const isFill = verb === "fill" || verb === "missed";
    await leave(`${here}/decision${query}`, {
      verb, reason, fill: isFill ? fill : [], stays: isFill ? stays : [], rest: isForAll ? rest : [],
    });
  }

  async function leave(address, body) {
    busy = true;
    const answer = await post(address, body).catch(() => null);
    const told = answer ? await answer.json().catch(() => ({})) : {};
    if (answer && answer.ok) { location.assign(told.next); return; }
    busy = false;
    if (answer && answer.status === 401) location.assign("/login");
    say(told.said || `That was not taken (${told.code || "no answer"}).`, true);
  }

  // --- the rest of the series

  function scope() {
    if (byId("sample")) { carry(); follow("sample"); return; }
    if (!rest.length) { say("Nothing else of its series waits with this layout.", true); return; }
    isForAll = !isForAll;
    byId("scope").setAttribute("aria-pressed", String(isForAll));
    document.querySelectorAll("[data-all]").forEach((one) => { one.hidden = !isForAll; });
    document.querySelectorAll("[data-one]").forEach((one) => { one.hidden = isForAll; });
    say(isForAll ? `What you decide now counts for all ${rest.length + 1}.` : "Only for this one.");
  }

  // What was drawn goes along to the next one of the sample, where it can be seen whether it fits.
  function carry() {
    const drawn = boxes.filter((box) => !box.seen);
    if (drawn.length) sessionStorage.setItem("drawn", JSON.stringify({ layout: desk.dataset.layout, drawn }));
  }

  function carried() {
    const { layout, drawn } = JSON.parse(sessionStorage.getItem("drawn") ?? "{}");
    sessionStorage.removeItem("drawn");
    if (layout && layout === desk.dataset.layout) boxes.push(...drawn);
  }

  async function propose() {
    if (busy || !may.has("fill") || !isShown()) return;
    const answer = await post(`${here}/proposal`, { fill: sent().fill }).catch(() => null);
    const told = answer ? await answer.json().catch(() => ({})) : {};
    const isTaken = answer !== null && answer.ok;
    say(isTaken ? `Proposed for ${told.device}; an admin decides. This instance still waits.`
      : told.said || `That was not taken (${told.code || "no answer"}).`, !isTaken);
  }

  function act(name) {
    if (name === "undo") {
      if (byId("undo")?.disabled) say("There is nothing to take back.", true);
      else if (byId("undo") && !busy) leave(`/undo${query}`, {});
    }
    else if (name === "discard" || name === "missed") { if (may.has(name)) byId("reasons").showModal(); }
    else if (name === "propose") propose();
    else decide(name);
  }

  // --- keys

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const follow = (id) => { const link = byId(id); if (link) location.assign(link.href); };
  const KEYS = {
    n: () => act(may.has("nothing_missed") ? "nothing_missed" : "no_text"), m: () => act("missed"), y: () => act("agree"), o: () => act("object"), d: () => act("discard"), h: () => act("hold"), r: () => act("release"), u: () => act("undo"),
    s: scope, g: propose, t: nextBox, a: addInTheMiddle, x: drop, Delete: drop, b: nextMarked,
    j: () => follow("after"), k: () => follow("before"), "?": () => byId("help").showModal(),
    Home: () => go(0), End: () => go(frames - 1), Escape: () => choose(-1),
    f: () => { if (chosen >= 0 && isEditable()) { const box = own(); box.frame = box.frame === null ? frame : null; changed(); } },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    // Who holds a key down moves on through frames, or with a box, and decides once.
    if (event.repeat && !arrow) { event.preventDefault(); return; }
    const reasons = byId("reasons");
    if (reasons.open) {
      const button = reasons.querySelectorAll("[data-reason]")[Number(event.key) - 1];
      if (button) { event.preventDefault(); button.click(); }
      return;
    }
    if (byId("help").open) return;
    const isButton = event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement;
    if (event.key === "Enter" || event.key === " ") {
      // A button that has the focus does what it says.
      if (isButton) return;
      event.preventDefault();
      if (event.key === " ") flicker(); else act(["fill", "release", "agree"].find((verb) => may.has(verb)) ?? "none");
    } else if (arrow) {
      event.preventDefault();
      if (chosen >= 0) nudge(...arrow.map((step) => step * 2), event.shiftKey);
      else if (arrow[0]) go(frame + arrow[0] * (event.shiftKey ? 10 : 1));
    } else if (KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });

  // --- mouse

  const at = (event) => {
    const edge = canvas.getBoundingClientRect();
    return [
      clip(Math.round((event.clientX - edge.left - view.left) / view.scale), 0, picture.width),
      clip(Math.round((event.clientY - edge.top - view.top) / view.scale), 0, picture.height),
    ];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!isEditable() || event.button !== 0) return;
    const [x, y] = at(event), reach = 6 / view.scale;
    canvas.setPointerCapture(event.pointerId);
    const box = boxes[chosen];
    if (box && isHere(box) && Math.abs(x - box.right) <= reach && Math.abs(y - box.bottom) <= reach) {
      drag = { kind: "size" };
      return;
    }
    const under = boxes.findLastIndex((one) => isHere(one) && x >= one.left && x < one.right && y >= one.top && y < one.bottom);
    if (under >= 0) { choose(under); drag = { kind: "move", x, y }; } else drag = { kind: "draw", x, y };
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = at(event);
    if (drag.kind === "move") {
      if (x !== drag.x || y !== drag.y) { nudge(x - drag.x, y - drag.y, false); drag.x = x; drag.y = y; }
    } else if (drag.kind === "size") {
      nudge(x - boxes[chosen].right, y - boxes[chosen].bottom, true);
    } else {
      draw();
      outline({ left: Math.min(x, drag.x), top: Math.min(y, drag.y), right: Math.max(x, drag.x), bottom: Math.max(y, drag.y) }, true);
    }
  });

  canvas.addEventListener("pointerup", (event) => {
    if (drag && drag.kind === "draw") {
      const [x, y] = at(event);
      const box = { left: Math.min(x, drag.x), top: Math.min(y, drag.y), right: Math.max(x, drag.x), bottom: Math.max(y, drag.y) };
      if (box.right - box.left >= LEAST && box.bottom - box.top >= LEAST) add(box); else choose(-1);
    }
    drag = null;
  });

  byId("frame").addEventListener("input", (event) => go(Number(event.target.value) - 1));
  document.querySelectorAll("[data-act]").forEach((button) => button.addEventListener("click", () => act(button.dataset.act)));
  document.querySelectorAll("[data-close]").forEach((button) => button.addEventListener("click", () => button.closest("dialog").close()));
  document.querySelectorAll("[data-reason]").forEach((button) => button.addEventListener("click", () => {
    byId("reasons").close();
    decide(may.has("missed") ? "missed" : "discard", button.dataset.reason);
  }));
  const values = byId("values");
  if (values) values.addEventListener("click", async () => {
    const answer = await post(`${here}/values`, {});
    const told = answer.ok ? await answer.json() : [{ attribute: "refused", value: "" }];
    byId("told").replaceChildren(...told.flatMap(({ attribute, value }) => {
      const [name, text] = [document.createElement("dt"), document.createElement("dd")];
      name.textContent = attribute;
      text.textContent = value;
      return [name, text];
    }));
  });
  byId("scope")?.addEventListener("click", scope);
  byId("sample")?.addEventListener("click", carry);
  window.addEventListener("resize", draw);
  carried();
  canvas.focus();
  show();
})();

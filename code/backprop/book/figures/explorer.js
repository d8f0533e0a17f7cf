// Decision regions of a 2-3-1 network. Python inlines this file as a module: its names stay its
// own, and several figures may share a page.
//
// A setting is {activation, theta}, theta in the order of the package's `Sequential.theta`:
// W1 row by row (6), b1 (3), W2 (3), b2 (1). A frame is the drawing's geometry, as Python wrote it:
// {low, high, side, left, top, rows}.

const UNITS = [0, 1, 2];
const PHI = {
  identity: (z) => z,
  tanh: Math.tanh,
  relu: (z) => Math.max(0, z),
};

/** The hidden activations at the point x. */
export function hidden({ activation, theta }, [x1, x2]) {
  const phi = PHI[activation];
  return UNITS.map((j) => phi(x1 * theta[j] + x2 * theta[3 + j] + theta[6 + j]));
}

/** z of the output, from the hidden activations. */
export function logit({ theta }, a) {
  return a[0] * theta[9] + a[1] * theta[10] + a[2] * theta[11] + theta[12];
}

export const output = (setting, x) => 1 / (1 + Math.exp(-logit(setting, hidden(setting, x))));

/** For each point of the task, whether the output is on its class's side of one half. */
export function judge(setting, task) {
  return task.x.map((x, i) => logit(setting, hidden(setting, x)) > 0 === (task.y[i] === 1));
}

/** The weights and bias of the one unit that three identity units amount to. */
export function collapsed({ theta }) {
  const [w1, w2] = [0, 3].map(
    (k) => theta[k] * theta[9] + theta[k + 1] * theta[10] + theta[k + 2] * theta[11],
  );
  return [w1, w2, logit({ theta }, theta.slice(6, 9))];
}

/** What "Show a solution" sets, and the note to show where that changes the hidden units. */
export function solve(task, activation, names) {
  if (activation in task.solutions) {
    return { activation, theta: [...task.solutions[activation]], note: '' };
  }
  const [other, theta] = Object.entries(task.solutions)[0];
  const why =
    activation === 'identity' && !task.straight
      ? 'with the identity there is no solution, because its border is one straight line. '
      : `no solution is stored for ${names[activation]}. `;
  const note = `The hidden units are ${names[other]} now: ${why}`;
  return { activation: other, theta: [...theta], note };
}

export const across = (frame, x1) =>
  frame.left + ((x1 - frame.low) / (frame.high - frame.low)) * frame.side;

export const down = (frame, x2) =>
  frame.top + ((frame.high - x2) / (frame.high - frame.low)) * frame.side;

/** The point of the plane under a place of the drawing, on the sliders' grid of 0.05. */
export function pointAt(frame, u, v) {
  const { low, high, side, left, top } = frame;
  return [(u - left) / side, 1 - (v - top) / side].map((part) => {
    const value = low + part * (high - low);
    return Math.max(low, Math.min(high, Math.round(value * 20) / 20));
  });
}

/**
 * Where z > 0 along one row: the x of the ends, an even number of them. Where the sign changes
 * between two of the row's cells, the end is interpolated.
 */
function ends(values, { left, side, rows }) {
  const found = values[0] > 0 ? [left] : [];
  for (let c = 1; c <= rows; c++) {
    const [a, b] = [values[c - 1], values[c]];
    if (a > 0 !== b > 0) found.push(left + ((c - 1 + a / (a - b)) * side) / rows);
  }
  if (values[rows] > 0) found.push(left + side);
  return found;
}

/** The SVG path of the region where the output exceeds one half, row by row. */
export function region(setting, frame) {
  const { low, high, side, top, rows } = frame;
  const width = high - low;
  const cells = Array.from({ length: rows + 1 }, (_, c) => low + (c * width) / rows);
  let path = '';
  for (let r = 0; r < rows; r++) {
    const x2 = high - ((r + 0.5) * width) / rows;
    const z = cells.map((x1) => logit(setting, hidden(setting, [x1, x2])));
    const [above, below] = [top + (r * side) / rows, top + ((r + 1) * side) / rows];
    const xs = ends(z, frame).map((x) => x.toFixed(1));
    for (let k = 0; k < xs.length; k += 2) {
      path += `M${xs[k]} ${above}H${xs[k + 1]}V${below}H${xs[k]}Z`;
    }
  }
  return path;
}

/** The two points where u x1 + v x2 + b = 0 meets the window's edge, or null. */
export function crossing([u, v, b], { low, high }) {
  const found = [];
  for (const x of [low, high]) {
    const up = -(u * x + b) / v;
    const right = -(v * x + b) / u;
    if (v !== 0 && up >= low && up <= high) found.push([x, up]);
    if (u !== 0 && right > low && right < high) found.push([right, x]);
  }
  return found.length < 2 ? null : found.slice(0, 2);
}

/** Attributes of the line z = 0 of hidden unit j, and of its number on the side where z > 0. */
export function unitLine({ theta }, j, frame) {
  const [u, v, b] = [theta[j], theta[3 + j], theta[6 + j]];
  const points = crossing([u, v, b], frame);
  if (!points) return null;
  const [[x1, y1], [x2, y2]] = points;
  const length = Math.hypot(u, v);
  const fixed = (entries) =>
    Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, value.toFixed(1)]));
  return {
    line: fixed({
      x1: across(frame, x1),
      y1: down(frame, y1),
      x2: across(frame, x2),
      y2: down(frame, y2),
    }),
    text: fixed({
      x: across(frame, 0.7 * x1 + 0.3 * x2) + (14 * u) / length,
      y: down(frame, 0.7 * y1 + 0.3 * y2) - (14 * v) / length + 6,
    }),
  };
}

/** A number as text, with a true minus sign and none on a zero. */
export function shown(value, digits = 2) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '\u2212');
}

const listed = (values) => values.map((value) => shown(value)).join(', ');

/** What the figure says below the picture. */
export function sentence(setting, task, point) {
  const right = judge(setting, task).filter(Boolean).length;
  const a = hidden(setting, point);
  const parts = [
    `${right} of ${task.x.length} points right.`,
    `At the diamond, x = (${listed(point)}): hidden a = (${listed(a)}),`,
    `output ${shown(output(setting, point), 3)}.`,
  ];
  if (setting.activation === 'identity') {
    const [w1, w2, b] = collapsed(setting).map((value) => shown(value));
    parts.push(
      'With the identity, all of this is one unit, \u03c3(z) with z =',
      `${w1} x\u2081 + ${w2} x\u2082 + ${b}: one straight line at most.`.replaceAll(
        '+ \u2212',
        '\u2212 ',
      ),
    );
  }
  const idle = UNITS.filter((j) => setting.theta[9 + j] === 0).map((j) => `unit ${j + 1}`);
  if (idle.length) parts.push(`No effect, because the weight to the output is 0: ${idle.join(', ')}.`);
  return parts.join(' ');
}

function setAttributes(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
}

function mount(root) {
  const given = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const { frame, tasks, names } = given;
  const all = (selector) => [...root.querySelectorAll(selector)];
  const svg = root.querySelector('svg');
  const now = { task: 0, part: '0', note: '' };

  function drawLines() {
    all('.bp-unit').forEach((group, j) => {
      const drawn = unitLine(now, j, frame);
      group.setAttribute('visibility', drawn ? 'visible' : 'hidden');
      group.classList.toggle('bp-chosen', String(j) === now.part);
      if (!drawn) return;
      setAttributes(group.querySelector('line'), drawn.line);
      setAttributes(group.querySelector('text'), drawn.text);
    });
  }

  function drawMarks(verdicts) {
    all('.bp-task').forEach((group, k) => {
      group.setAttribute('visibility', k === now.task ? 'visible' : 'hidden');
      if (k !== now.task) return;
      [...group.children].forEach((mark, i) => mark.classList.toggle('bp-wrong', !verdicts[i]));
    });
  }

  function setControls() {
    for (const panel of all('.bp-panel')) panel.hidden = panel.dataset.part !== now.part;
    for (const input of all('input[type=range]')) {
      const k = Number(input.dataset.at);
      const value = k < 13 ? now.theta[k] : now.point[k - 13];
      input.value = value;
      input.closest('.bp-row').querySelector('.bp-value').textContent = shown(value);
    }
    for (const input of all('input[type=radio]')) {
      input.checked = String(now[input.dataset.sets]) === input.value;
    }
  }

  function show() {
    const task = tasks[now.task];
    const verdicts = judge(now, task);
    const [x, y] = [across(frame, now.point[0]), down(frame, now.point[1])];
    root.querySelector('.bp-region').setAttribute('d', region(now, frame));
    root
      .querySelector('.bp-probe')
      .setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    drawLines();
    drawMarks(verdicts);
    setControls();
    // Unrounded, where a test compares them with the package.
    root.dataset.output = output(now, now.point);
    root.dataset.right = verdicts.filter(Boolean).length;
    root.querySelector('.bp-live').textContent = now.note + sentence(now, task, now.point);
  }

  function change(values) {
    Object.assign(now, { note: '' }, values);
    show();
  }

  const restart = () =>
    change({ ...given.start, theta: [...given.start.theta], point: [...given.point] });

  for (const input of all('input[type=range]')) {
    input.addEventListener('input', () => {
      const k = Number(input.dataset.at);
      if (k < 13) now.theta[k] = Number(input.value);
      else now.point[k - 13] = Number(input.value);
      change({});
    });
  }
  for (const input of all('input[type=radio]')) {
    input.addEventListener('change', () => {
      const { sets } = input.dataset;
      change({ [sets]: sets === 'task' ? Number(input.value) : input.value });
    });
  }
  const [startAgain, showSolution] = root.querySelectorAll('button');
  startAgain.addEventListener('click', restart);
  showSolution.addEventListener('click', () =>
    change(solve(tasks[now.task], now.activation, names)),
  );
  svg.addEventListener('click', (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      svg.getScreenCTM().inverse(),
    );
    change({ point: pointAt(frame, at.x, at.y) });
  });
  // A notebook editor would take the keys as its own commands.
  root.addEventListener('keydown', (event) => event.stopPropagation());

  root.classList.add('bp-on');
  root.querySelector('.bp-controls').hidden = false;
  restart();
}

globalThis.document?.querySelectorAll('.bp-explorer:not(.bp-on)').forEach(mount);

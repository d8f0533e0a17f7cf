// Ten switches for the ten faults of a program. Python inlines this file as a module: its names
// stay its own, and several figures may share a page.
//
// What `given` holds, Python's `TenSwitches` says: the stored results, a row for each subset of the
// faults on which a training run depends, and the drawing's geometry.

const [STOPS, DROPPED, COINS, SCORE, BIASES] = [1, 2, 7, 9, 10];

/** What Python gave; each measurement's rows are a text of their own. */
export function read(text) {
  const given = JSON.parse(text);
  for (const [name, rows] of Object.entries(given.rows)) given.rows[name] = JSON.parse(rows);
  return given;
}

/** A number as text, with a true minus sign. */
const fixed = (value, digits) => value.toFixed(digits).replace('-', '\u2212');

/** The row of the stored results for a subset of the faults. */
export function row(leftIn, trained) {
  return trained.reduce((number, fault) => 2 * number + (leftIn.includes(fault) ? 1 : 0), 0);
}

/** A loss, given in thousandths, or null where it is not finite. */
export function lossWords(value, over) {
  if (value === null) return 'NaN';
  if (value >= over) return 'over 1,000';
  if (value === 0) return 'below 0.001';
  return fixed(value / 1000, value < 100 ? 3 : value < 10000 ? 2 : 0);
}

/** The range of hundredths. */
export function span(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) =>
    fixed(value / 100, value >= 1000 ? 0 : 2),
  );
  return low === high ? low : `${low} to ${high}`;
}

/** Numbers with commas and one "and". */
export function listed(numbers) {
  if (numbers.length < 2) return numbers.join('');
  return `${numbers.slice(0, -1).join(', ')} and ${numbers[numbers.length - 1]}`;
}

/** The SVG path of a loss in thousandths, up to where it leaves the picture. */
export function curve(losses, kept, { left, right, top, foot }) {
  const points = [];
  for (const [k, loss] of losses.entries()) {
    const x = left + (kept[k] / kept[kept.length - 1]) * (right - left);
    const lost = loss === null || loss > 1000;
    const y = lost ? top - 8 : foot - (loss / 1000) * (foot - top);
    points.push(`${x.toFixed(1)} ${y.toFixed(1)}`);
    if (lost) break;
  }
  return points.length > 1 ? `M${points.join('L')}` : '';
}

function stopped(leftIn, head) {
  const rows = leftIn.includes(BIASES) ? 784 : 785;
  const shapes = `(${rows},100) (${leftIn.includes(COINS) ? 200 : 90},2)`;
  const none = '\u2013';
  return {
    path: '',
    panel: 'stops at the first update',
    marks: { printed: [], new: [], own: [], cosine: [] },
    words: { loss: none, printed: none, new: none, own: none, cosine: none, ratio: none },
    seen:
      `${head} The program stops at its first update: \u201coperands could not be broadcast ` +
      `together with shapes ${shapes}\u201d.`,
    heard: '',
  };
}

/** What the figure shows for a subset of the faults, in ascending order. */
export function view(leftIn, given) {
  const head = leftIn.length ? `Left in: ${listed(leftIn)}.` : 'All ten faults are mended.';
  if (leftIn.includes(STOPS)) return stopped(leftIn, head);
  const { rows, names, kept, over, frame } = given;
  const k = row(leftIn, given.trained);
  const marks = {
    printed: rows[leftIn.includes(SCORE) ? 'listing' : 'new'][k],
    new: rows.new[k],
    own: rows.own[k],
    cosine: rows.compass[k].slice(0, 2),
  };
  const words = { ratio: span(rows.compass[k].slice(2)) };
  for (const [name, values] of Object.entries(marks)) words[name] = span(values);
  const losses = rows.losses[k];
  const isKept = !leftIn.includes(DROPPED);
  const ends = [losses[0], losses[losses.length - 1]].map((value) => lossWords(value, over));
  words.loss = isKept ? ends.join(' \u2192 ') : 'not kept';
  const path = isKept ? curve(losses, kept, frame) : '';
  const heard = ['loss', ...Object.keys(names)].map((name) => `${names[name] || name} ${words[name]}`);
  return {
    path,
    panel: path ? '' : isKept ? 'above the picture' : 'not kept',
    marks,
    words,
    seen: head,
    heard: ` ${heard.join('; ')}.`.replace('\u2192', 'then'),
  };
}

/** Where the bar of the cosines begins and ends: never too narrow to be seen. */
export function bar(ends, { low, high }) {
  const [from, to] = ends.map((value) => low + ((value + 100) / 200) * (high - low));
  return { x1: (from - 2.5).toFixed(1), x2: (to + 2.5).toFixed(1) };
}

/** The numbers behind each row: the ends of the loss in thousandths, ranges in hundredths. */
function limits(fault, given) {
  const [k, { marks }] = [row([fault], given.trained), view([fault], given)];
  const losses = given.rows.losses[k];
  const found = { loss: [losses[0], losses[losses.length - 1]], ratio: given.rows.compass[k].slice(2) };
  for (const [name, values] of Object.entries(marks)) {
    found[name] = [Math.min(...values), Math.max(...values)];
  }
  return found;
}

/** Whether the eye tells two ends apart, or two ranges of scores, which vary from run to run. */
function unlike(name, a, b) {
  const slack = { loss: 30, cosine: 5, ratio: 5 }[name];
  const far = (u, v) => (u === null) !== (v === null) || Math.abs(u - v) > (slack || 35);
  return far(a[0], b[0]) || far(a[1], b[1]) || (!slack && (a[1] + 3 < b[0] || b[1] + 3 < a[0]));
}

/** Those of the rows that tell one fault from the other, each alone in the program. */
export function telling(one, other, asked, given) {
  const [a, b] = [one, other].map((fault) => limits(fault, given));
  return asked.filter((name) => unlike(name, a[name], b[name]));
}

/** What is seen of a hidden fault: the rows that were asked for. */
export function blind(fault, asked, given) {
  const all = view([fault], given);
  const only = (rows, none) =>
    Object.fromEntries(Object.entries(rows).map(([name, held]) => [name, asked.includes(name) ? held : none]));
  const loss = asked.includes('loss');
  return {
    path: loss ? all.path : '', panel: loss ? all.panel : '?',
    marks: only(all.marks, []), words: only(all.words, '?'),
  };
}

/** What to say to a reader who names a fault, by what was asked for. */
export function verdict(named, fault, asked, given) {
  if (!asked.length) return 'Ask for a reading first.';
  const { hidden, names, why } = given;
  if (named !== fault) {
    const [name] = telling(named, fault, asked, given);
    if (!name) return `Not ${named}, but with ${named} these readings would look much the same. Ask for more.`;
    const [would, is] = [named, fault].map((k) => view([k], given).words[name]);
    return `Not ${named}: \u201c${names[name] || name}\u201d would then read ${would}, and it reads ${is}.`;
  }
  const fit = hidden.filter((k) => k !== fault && !telling(k, fault, asked, given).length);
  const still = fit.length ? ` But with ${fit.join(' or ')}, what you asked for would look much the same.` : '';
  return `Right, it is ${fault}. ${why[fault]}${still}`;
}

/** Put the marks of each row and the bar of the cosines in their places. */
function drawMarks(root, marks, frame) {
  const { low, high } = frame;
  for (const group of root.querySelectorAll('.bp-marks')) {
    const values = marks[group.dataset.row];
    [...group.children].forEach((mark, i) => {
      mark.setAttribute('visibility', i < values.length ? 'visible' : 'hidden');
      if (i >= values.length) return;
      const x = low + (values[i] / 100) * (high - low);
      mark.setAttribute('transform', `translate(${x.toFixed(1)} 0)`);
    });
  }
  const line = root.querySelector('.bp-bar');
  line.setAttribute('visibility', marks.cosine.length ? 'visible' : 'hidden');
  if (!marks.cosine.length) return;
  for (const [name, value] of Object.entries(bar(marks.cosine, frame))) {
    line.setAttribute(name, value);
  }
}

function mount(root) {
  const given = read(root.querySelector('script[type="application/json"]').textContent);
  const boxes = [...root.querySelectorAll('input')];
  const find = (selector) => root.querySelector(selector);
  const [open, ...closed] = root.querySelectorAll('fieldset');
  const [asks, choices] = closed.map((set) => [...set.querySelectorAll('button')]);
  const [mendAll, mendNone, hide, back] = root.querySelectorAll('.bp-controls > button');
  let [fault, asked, left] = [0, [], []];

  function draw(seen) {
    find('.bp-curve').setAttribute('d', seen.path);
    find('.bp-panel').textContent = seen.panel;
    for (const words of root.querySelectorAll('.bp-said')) {
      words.textContent = seen.words[words.dataset.row];
    }
    drawMarks(root, seen.marks, given.frame);
    find('.bp-seen').textContent = seen.seen;
    find('.bp-heard').textContent = seen.heard;
  }

  function show() {
    draw(view(boxes.filter((box) => !box.checked).map((box) => Number(box.value)), given));
  }

  function mend(mended) {
    for (const box of boxes) box.checked = mended(Number(box.value));
    show();
  }

  function swap(hiding) {
    for (const part of [open, mendAll, mendNone]) part.hidden = hiding;
    for (const part of [...closed, back]) part.hidden = !hiding;
    hide.textContent = hiding ? 'Hide another' : 'Hide a fault';
  }

  function tell(seen, heard = '') {
    draw({ ...blind(fault, asked, given), seen, heard });
  }

  /** Each fault once, in random order, before any comes again. */
  function hideOne() {
    if (!left.length) left = given.hidden.filter((k) => k !== fault);
    [fault] = left.splice(Math.floor(Math.random() * left.length), 1);
    asked = [];
    for (const button of [...asks, ...choices]) {
      button.setAttribute('aria-pressed', 'false');
      button.classList.remove('bp-out');
    }
    swap(true);
    tell(given.prompt);
    asks[0].focus({ preventScroll: true });
  }

  function ask(button) {
    const rows = button.value.split(' ');
    button.setAttribute('aria-pressed', 'true');
    asked = [...new Set([...asked, ...rows])];
    const { words } = view([fault], given);
    const heard = rows.map((name) => `${given.names[name] || name} ${words[name]}`);
    tell(given.prompt, ` ${heard.join('; ')}.`.replace('\u2192', 'then'));
  }

  function answer(button) {
    const named = Number(button.value);
    const said = verdict(named, fault, asked, given);
    if (asked.length && named === fault) {
      button.setAttribute('aria-pressed', 'true');
      asked = ['loss', ...Object.keys(given.names)];
    } else if (asked.length) {
      button.classList.add('bp-out');
    }
    tell(said);
  }

  for (const box of boxes) box.addEventListener('change', show);
  mendAll.addEventListener('click', () => mend(() => true));
  mendNone.addEventListener('click', () => mend(() => false));
  hide.addEventListener('click', hideOne);
  back.addEventListener('click', () => {
    swap(false);
    mend((k) => k !== fault);
    hide.focus({ preventScroll: true });
  });
  for (const button of asks) button.addEventListener('click', () => ask(button));
  for (const button of choices) button.addEventListener('click', () => answer(button));
  // A notebook editor would take the keys as its own commands.
  root.addEventListener('keydown', (event) => event.stopPropagation());

  root.classList.add('bp-on');
  find('.bp-controls').hidden = false;
  // Not what is checked now: a browser that reloads a page restores the reader's boxes.
  for (const box of boxes) box.checked = box.defaultChecked;
  show();
}

globalThis.document?.querySelectorAll('.bp-switches:not(.bp-on)').forEach(mount);

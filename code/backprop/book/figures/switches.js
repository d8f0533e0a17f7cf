// Ten switches for the ten faults of a program. Python inlines this file as a module: its names
// stay its own, and several figures may share a page.
//
// What `given` holds, Python's `TenSwitches` says: the stored results, a row for each subset of the
// faults on which a training run depends, and the drawing's geometry.

const [STOPS, DROPPED, COINS, SCORE, BIASES] = [1, 2, 7, 9, 10];

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

function mount(root) {
  const given = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const { low, high } = given.frame;
  const boxes = [...root.querySelectorAll('input')];
  const find = (selector) => root.querySelector(selector);

  function drawMarks(marks) {
    for (const group of root.querySelectorAll('.bp-marks')) {
      const values = marks[group.dataset.row];
      [...group.children].forEach((mark, i) => {
        mark.setAttribute('visibility', i < values.length ? 'visible' : 'hidden');
        if (i >= values.length) return;
        const x = low + (values[i] / 100) * (high - low);
        mark.setAttribute('transform', `translate(${x.toFixed(1)} 0)`);
      });
    }
    const line = find('.bp-bar');
    line.setAttribute('visibility', marks.cosine.length ? 'visible' : 'hidden');
    if (!marks.cosine.length) return;
    for (const [name, value] of Object.entries(bar(marks.cosine, given.frame))) {
      line.setAttribute(name, value);
    }
  }

  function show() {
    const leftIn = boxes.filter((box) => !box.checked).map((box) => Number(box.value));
    const seen = view(leftIn, given);
    find('.bp-curve').setAttribute('d', seen.path);
    find('.bp-panel').textContent = seen.panel;
    for (const words of root.querySelectorAll('.bp-said')) {
      words.textContent = seen.words[words.dataset.row];
    }
    drawMarks(seen.marks);
    find('.bp-seen').textContent = seen.seen;
    find('.bp-heard').textContent = seen.heard;
  }

  function mend(all) {
    for (const box of boxes) box.checked = all;
    show();
  }

  for (const box of boxes) box.addEventListener('change', show);
  const [mendAll, mendNone] = root.querySelectorAll('button');
  mendAll.addEventListener('click', () => mend(true));
  mendNone.addEventListener('click', () => mend(false));
  // A notebook editor would take the keys as its own commands.
  root.addEventListener('keydown', (event) => event.stopPropagation());

  root.classList.add('bp-on');
  find('.bp-controls').hidden = false;
  // Not what is checked now: a browser that reloads a page restores the reader's boxes.
  for (const box of boxes) box.checked = box.defaultChecked;
  show();
}

globalThis.document?.querySelectorAll('.bp-switches:not(.bp-on)').forEach(mount);

// A ravine that the reader crosses with two sliders. Python inlines this file as a module: its
// names stay its own, and several figures may share a page.
//
// What `given` holds, Python's `Ravine` says: both curvatures, V at the start, the number of steps,
// the tasks as pairs of noise and loss, and the drawing's geometry.

/** The rates of a run: `top`, and from step `begin` on a straight fall towards 0. */
export function plan(top, begin, steps) {
  return Array.from({ length: steps }, (_, t) =>
    t < begin ? top : (top * (steps - t)) / (steps - begin),
  );
}

/** Parts of the last mean loss: what is left of the flat start, the noise let in, the steep one. */
export function parts(rates, noise, { flat, steep, far }) {
  let [start, letIn, last] = [far, 0, far];
  for (const rate of rates) {
    const [keep, forget, squared] = [1 - rate * flat, 1 - rate * steep, rate * rate];
    start = keep * keep * start;
    letIn = keep * keep * letIn + squared * noise;
    last = forget * forget * last + squared;
  }
  return [(flat / 2) * start, (flat / 2) * letIn, (steep / 2) * last];
}

/** The SVG path of the area below the rates. */
export function path(top, begin, steps, frame) {
  const high = frame.foot - (top / frame.highest) * (frame.foot - frame.top);
  const bend = frame.left + (begin / steps) * (frame.right - frame.left);
  const [left, right, foot] = [frame.left, frame.right, frame.foot].map((x) => x.toFixed(1));
  return `M${left} ${foot}V${high.toFixed(1)}H${bend.toFixed(1)}L${right} ${foot}`;
}

/** What the figure shows for the k-th noise and the two sliders. */
export function view(k, top, begin, given) {
  const { frame, steps } = given;
  const [noise, task] = given.tasks[k];
  const rates = plan(top, begin, steps);
  const found = parts(rates, noise, given);
  const total = 1000 * (found[0] + found[1] + found[2]);
  const bars = [];
  let end = frame.bar;
  const unit = (frame.right - frame.bar) / Math.max(frame.wide, total); // a longer bar is drawn smaller
  for (const part of found) {
    const place = end + 1000 * part * unit;
    bars.push([end.toFixed(1), (place - end).toFixed(1)]);
    end = place;
  }
  const area = rates.reduce((sum, rate) => sum + rate, 0);
  const three = found.map((part) => (1000 * part).toFixed(1));
  const told = said(total, task);
  const verdict = total < task ? 'below' : 'not below';
  const fits = total > frame.wide ? ' The bar and the mark are drawn smaller, to fit.' : '';
  return {
    path: path(top, begin, steps, frame),
    bars,
    mark: (frame.bar + task * unit).toFixed(1),
    words: {
      area: `\u03a3\u03b7 = ${area.toFixed(0)}`,
      start: `flat: start left ${three[0]}`,
      noise: `noise let in ${three[1]}`,
      steep: `steep ${three[2]}`,
      total: `total ${told}`,
      task: `below ${task}`,
    },
    seen: `The last rate is ${rates[steps - 1].toFixed(3)}. The total ${told} is ${verdict} ${task}.${fits}`,
    total,
  };
}

/** A total with one decimal, or with two where one would hide on which side of the task it is. */
export const said = (total, task) => total.toFixed(total.toFixed(1) === task.toFixed(1) ? 2 : 1);

/** The words beside the second slider. */
export const named = (begin, steps) => (begin === steps ? 'never' : `step ${begin}`);

function mount(root) {
  const given = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const all = (selector) => [...root.querySelectorAll(selector)];
  const radios = all('input[type=radio]');
  const [first, second] = all('input[type=range]');
  const [topValue, beginValue] = all('.bp-value');
  const lowest = given.tasks.map(() => Infinity);

  function show() {
    const k = radios.findIndex((radio) => radio.checked);
    const [top, begin] = [Number(first.value) / 20, Number(second.value)];
    const seen = view(k, top, begin, given);
    root.querySelector('.bp-rates').setAttribute('d', seen.path);
    all('.bp-part').forEach((bar, i) => {
      bar.setAttribute('x', seen.bars[i][0]);
      bar.setAttribute('width', seen.bars[i][1]);
    });
    for (const words of all('.bp-said')) words.textContent = seen.words[words.dataset.part];
    root.querySelector('.bp-task').setAttribute('transform', `translate(${seen.mark} 0)`);
    topValue.textContent = top.toFixed(2);
    beginValue.textContent = named(begin, given.steps);
    first.setAttribute('aria-valuetext', topValue.textContent);
    second.setAttribute('aria-valuetext', beginValue.textContent);
    lowest[k] = Math.min(lowest[k], seen.total);
    const least = said(lowest[k], given.tasks[k][1]);
    const best = lowest[k] < seen.total ? ` Your lowest so far: ${least}.` : '';
    root.querySelector('.bp-live').textContent = seen.seen + best;
  }

  function restart() {
    const [noise, top, begin] = given.start;
    radios.forEach((radio, k) => (radio.checked = given.tasks[k][0] === noise));
    first.value = Math.round(20 * top);
    second.value = begin;
    lowest.fill(Infinity);
    show();
  }

  for (const input of [first, second]) input.addEventListener('input', show);
  for (const radio of radios) radio.addEventListener('change', show);
  root.querySelector('button').addEventListener('click', restart);
  // A notebook editor would take the keys as its own commands.
  root.addEventListener('keydown', (event) => event.stopPropagation());

  root.classList.add('bp-on');
  root.querySelector('.bp-controls').hidden = false;
  restart();
}

globalThis.document?.querySelectorAll('.bp-ravine:not(.bp-on)').forEach(mount);

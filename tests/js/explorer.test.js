// The explorer's own arithmetic, against numbers worked out by hand. That it computes what the
// package computes is tried in the browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  across,
  collapsed,
  crossing,
  down,
  hidden,
  judge,
  logit,
  output,
  pointAt,
  region,
  sentence,
  shown,
  solve,
  unitLine,
} from '../../code/backprop/book/figures/explorer.js';

const FRAME = { low: -0.2, high: 1.2, side: 400, left: 26, top: 4, rows: 100 };
// z1 = x1 + x2, z2 = x1 + x2 - 1, z3 = 0; out = 4 a1 - 8 a2 - 2.
const THETA = [1, 1, 0, 1, 1, 0, 0, -1, 0, 4, -8, 0, -2];
const RELU = { activation: 'relu', theta: THETA };
const XOR = { x: [[0, 0], [0, 1], [1, 0], [1, 1]], y: [0, 1, 1, 0] };
const NAMES = { identity: 'the identity', tanh: 'tanh', relu: 'ReLU' };

const near = (found, expected) =>
  assert.ok(Math.abs(found - expected) < 1e-12, `${found} is not ${expected}`);

test('hidden units', () => {
  assert.deepEqual(hidden(RELU, [0.25, 0.5]), [0.75, 0, 0]);
  assert.deepEqual(hidden({ ...RELU, activation: 'identity' }, [0.25, 0.5]), [0.75, -0.25, 0]);
  near(hidden({ ...RELU, activation: 'tanh' }, [1, 1])[1], Math.tanh(1));
});

test('every parameter has its place', () => {
  const theta = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41];
  const setting = { activation: 'identity', theta };
  assert.deepEqual(hidden(setting, [10, 100]), [2 * 10 + 7 * 100 + 17, 30 + 1100 + 19, 50 + 1300 + 23]);
  assert.equal(logit(setting, [1, 10, 100]), 29 + 310 + 3700 + 41);
});

test('the output is the sigmoid of its z', () => {
  near(output(RELU, [0.25, 0.5]), 1 / (1 + Math.exp(-1)));
});

test('points are right on their own side of one half, and wrong on it', () => {
  assert.deepEqual(judge(RELU, XOR), [true, true, true, true]);
  const zero = { activation: 'relu', theta: Array(13).fill(0) };
  assert.deepEqual(judge(zero, XOR), [true, false, false, true]);
});

test('three identity units are one', () => {
  const setting = { activation: 'identity', theta: THETA };
  assert.deepEqual(collapsed(setting), [-4, -4, 6]);
  near(output(setting, [0.3, 0.9]), 1 / (1 + Math.exp(-(-4 * 1.2 + 6))));
});

test('a solution of the chosen activation is taken, as a copy', () => {
  const task = { ...XOR, solutions: { tanh: [1], relu: THETA } };
  const found = solve(task, 'relu', NAMES);
  assert.deepEqual(found, { activation: 'relu', theta: THETA, note: '' });
  found.theta[0] = 99;
  assert.equal(THETA[0], 1);
});

test('where there is none, the first is taken and said', () => {
  const task = { ...XOR, straight: true, solutions: { tanh: [1], relu: [2] } };
  const { activation, theta, note } = solve(task, 'identity', NAMES);
  assert.deepEqual([activation, theta], ['tanh', [1]]);
  assert.equal(note, 'The hidden units are tanh now: no solution is stored for the identity. ');
});

test('where no straight line does it, the identity has no solution at all', () => {
  const task = { ...XOR, straight: false, solutions: { tanh: [1] } };
  assert.match(solve(task, 'identity', NAMES).note, /tanh now: with the identity there is no solution/);
  assert.match(solve(task, 'relu', NAMES).note, /no solution is stored for ReLU/);
});

test('a place of the drawing and the point under it', () => {
  assert.deepEqual([across(FRAME, -0.2), across(FRAME, 1.2)], [26, 426]);
  assert.deepEqual([down(FRAME, -0.2), down(FRAME, 1.2)], [404, 4]);
  assert.deepEqual(pointAt(FRAME, 226, 204), [0.5, 0.5]);
  assert.deepEqual(pointAt(FRAME, -100, 1000), [-0.2, -0.2]);
  const [x1, x2] = pointAt(FRAME, across(FRAME, 0.33), down(FRAME, 0.88));
  near(x1, 0.35);
  near(x2, 0.9);
});

test('the region of a half plane is one run per row', () => {
  // The first unit alone: z = x1 - 0.5, positive right of the middle.
  const theta = [1, 0, 0, 0, 0, 0, -0.5, 0, 0, 1, 0, 0, 0];
  const path = region({ activation: 'identity', theta }, { ...FRAME, rows: 4 });
  assert.equal(
    path,
    'M226.0 4H426.0V104H226.0ZM226.0 104H426.0V204H226.0Z' +
      'M226.0 204H426.0V304H226.0ZM226.0 304H426.0V404H226.0Z',
  );
});

test('the region full, empty, and in two runs', () => {
  const constant = (b) => ({ activation: 'relu', theta: [...Array(12).fill(0), b] });
  assert.equal(region(constant(-1), FRAME), '');
  assert.equal(region(constant(1), FRAME).split('Z').length - 1, 100);
  // Outside 0.3 < x1 < 0.7: relu(x1 - 0.7) + relu(0.3 - x1) > 0, minus a little.
  const theta = [1, -1, 0, 0, 0, 0, -0.7, 0.3, 0, 1, 1, 0, -0.01];
  const path = region({ activation: 'relu', theta }, { ...FRAME, rows: 10 });
  assert.equal(path.split('Z').length - 1, 20);
});

test('where a line crosses the window', () => {
  assert.deepEqual(crossing([1, 0, -0.5], FRAME), [[0.5, -0.2], [0.5, 1.2]]);
  assert.deepEqual(crossing([0, 2, -1], FRAME), [[-0.2, 0.5], [1.2, 0.5]]);
  assert.equal(crossing([1, 1, -5], FRAME), null);
  assert.equal(crossing([0, 0, 1], FRAME), null);
  assert.equal(crossing([0, 0, 0], FRAME), null);
  // Through a corner, and nowhere else in the window.
  assert.equal(crossing([1, 1, 0.5], { ...FRAME, low: -0.25, high: 1.25 }), null);
});

test('the number of a unit stands on the side where its z is positive', () => {
  const theta = [2, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0];
  const { line, text } = unitLine({ theta }, 0, FRAME);
  assert.deepEqual(line, { x1: '226.0', y1: '404.0', x2: '226.0', y2: '4.0' });
  assert.deepEqual(text, { x: '240.0', y: '290.0' });
  assert.equal(unitLine({ theta }, 1, FRAME), null);
});

test('numbers have a true minus sign, and none on a zero', () => {
  assert.deepEqual([shown(-0.125), shown(-0.004), shown(2), shown(0.5, 3)], ['\u22120.13', '0.00', '2.00', '0.500']);
});

test('the sentence counts, reads off, and names a unit without effect', () => {
  assert.equal(
    sentence(RELU, XOR, [0.25, 0.5]),
    '4 of 4 points right. At the diamond, x = (0.25, 0.50): hidden a = (0.75, 0.00, 0.00), ' +
      'output 0.731. No effect, because the weight to the output is 0: unit 3.',
  );
});

test('the sentence names the one unit that the identity amounts to', () => {
  const theta = [...THETA];
  theta[11] = 1;
  const words = sentence({ activation: 'identity', theta }, XOR, [0, 0]);
  assert.match(words, /z = \u22124\.00 x\u2081 \u2212 4\.00 x\u2082 \+ 6\.00: one straight line/);
  assert.doesNotMatch(words, /No effect/);
});

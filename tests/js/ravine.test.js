// The ravine's own arithmetic. That it says what Python says, tests/test_ravine.py tries.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { named, parts, path, plan, said, view } from '../../code/backprop/book/figures/ravine.js';

const FRAME = { left: 34, right: 412, top: 26, foot: 126, bar: 4, wide: 160, highest: 1.5 };
const GIVEN = { frame: FRAME, flat: 0.5, steep: 1, far: 4, steps: 4, tasks: [[1, 89], [0.1, 26]] };

test('a plan stays at its top and then falls in a line', () => {
  assert.deepEqual(plan(1, 2, 4), [1, 1, 1, 0.5]);
  assert.deepEqual(plan(1, 0, 4), [1, 0.75, 0.5, 0.25]);
  assert.deepEqual(plan(0.5, 4, 4), [0.5, 0.5, 0.5, 0.5]);
});

test('parts of one step, by hand', () => {
  // Flat: a half of theta is left, so 1 of V = 4, and the noise adds 2. Steep: only the noise, 1.
  assert.deepEqual(parts([1], 2, GIVEN), [0.25, 0.5, 0.5]);
  assert.deepEqual(parts([], 2, GIVEN), [1, 0, 2]);
});

test('the picture', () => {
  assert.equal(path(1.5, 2, 4, FRAME), 'M34.0 126.0V26.0H223.0L412.0 126.0');
  assert.deepEqual([named(100, 1000), named(1000, 1000)], ['step 100', 'never']);
});

test('a total near the task is written with two decimals', () => {
  assert.deepEqual([88.94, 88.968, 89.014, 89.06].map((x) => said(x, 89)), ['88.9', '88.97', '89.01', '89.1']);
  const { total } = view(0, 0.5, 4, GIVEN);
  const near = view(0, 0.5, 4, { ...GIVEN, tasks: [[1, total + 0.01]] });
  assert.match(near.seen, /The total \d+\.\d\d is below/);
});

test('bars and mark are drawn smaller to fit, and the sentence compares what it prints', () => {
  const seen = view(0, 0.5, 4, GIVEN);
  assert.ok(seen.total > 160);
  const last = seen.bars[2].map(Number);
  assert.ok(Math.abs(last[0] + last[1] - FRAME.right) < 0.15);
  assert.ok(Math.abs((seen.mark - 4) / 408 - 89 / seen.total) < 0.001);
  assert.match(seen.seen, /^The last rate is 0\.500\. The total \d+\.\d is not below 89\. The bar and the mark are drawn smaller, to fit\.$/);
  assert.equal(seen.words.area, '\u03a3\u03b7 = 2');
  assert.match(view(1, 0.5, 4, { ...GIVEN, tasks: [[1, 89], [1, 9999]] }).seen, /is below 9999/);
});

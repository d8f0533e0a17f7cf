// The ten switches' own arithmetic. That it says what Python says, tests/test_switches.py tries.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bar, blind, curve, listed, lossWords, read, row, span, telling, verdict, view } from '../../code/backprop/book/figures/switches.js';

const FRAME = { left: 40, right: 412, top: 30, foot: 126, low: 112, high: 292 };
const NAMES = { printed: 'printed', new: 'new images', own: 'own images', cosine: 'cosine', ratio: 'ratio' };
// Two faults on which a run depends, three losses, two runs.
const GIVEN = {
  frame: FRAME,
  trained: [3, 10],
  kept: [0, 50, 99],
  over: 1000000,
  names: NAMES,
  rows: {
    losses: [[262, 100, 47], [262, 100, 46], [880, null, null], [25000, null, null]],
    listing: [[50, 51], [50, 50], [0, 0], [0, 0]],
    new: [[99, 98], [99, 99], [0, 0], [0, 0]],
    own: [[97, 96], [98, 99], [0, 0], [0, 0]],
    compass: [[100, 100, 100, 100], [100, 100, 100, 100], [-98, 14, 160, 6300], [14, 99, 160, 6300]],
  },
};

test('a subset of the faults has its row, and faults that train nothing have none', () => {
  assert.deepEqual([[], [10], [3], [2, 3, 9, 10]].map((leftIn) => row(leftIn, [3, 10])), [0, 1, 2, 3]);
});

test('numbers in words', () => {
  const losses = [null, 1000000, 0, 47, 262, 25400].map((value) => lossWords(value, 1000000));
  assert.deepEqual(losses, ['NaN', 'over 1,000', 'below 0.001', '0.047', '0.26', '25']);
  assert.deepEqual([span([100, 100]), span([6, 95]), span([-98, 14])], ['1.00', '0.06 to 0.95', '\u22120.98 to 0.14']);
  assert.deepEqual([[], [3], [3, 4], [2, 3, 4]].map(listed), ['', '3', '3 and 4', '2, 3 and 4']);
});

test('a curve ends where the loss leaves the picture', () => {
  assert.equal(curve([500, 250, 0], [0, 50, 100], FRAME), 'M40.0 78.0L226.0 102.0L412.0 126.0');
  assert.equal(curve([500, null, null], [0, 50, 100], FRAME), 'M40.0 78.0L226.0 22.0');
  assert.equal(curve([1001, 0, 0], [0, 50, 100], FRAME), '');
});

test('all mended, a score that misleads, a loss that is dropped', () => {
  assert.deepEqual(view([], GIVEN).marks.printed, [99, 98]);
  assert.equal(view([], GIVEN).words.loss, '0.26 \u2192 0.047');
  assert.deepEqual(view([9], GIVEN).marks.printed, [50, 51]);
  assert.deepEqual([view([2], GIVEN).panel, view([2], GIVEN).path], ['not kept', '']);
  assert.match(view([9, 10], GIVEN).heard, /loss 0\.26 then 0\.046; printed 0\.50; new images 0\.99/);
});

test('a stop hides the rest, and a loss that starts too high is said', () => {
  const said = view([1, 3, 7], GIVEN);
  assert.match(said.seen, /Left in: 1, 3 and 7\. The program stops .* \(785,100\) \(200,2\)/);
  assert.deepEqual([said.path, said.marks.new], ['', []]);
  assert.match(view([1, 10], GIVEN).seen, /\(784,100\) \(90,2\)/);
  assert.equal(view([3, 10], GIVEN).panel, 'above the picture');
  assert.equal(view([3], GIVEN).words.ratio, '1.60 to 63');
});

test('the bar of a single reading can be seen', () => {
  assert.deepEqual(bar([100, 100], FRAME), { x1: '289.5', x2: '294.5' });
  assert.deepEqual(bar([-100, 0], FRAME), { x1: '109.5', x2: '204.5' });
});

// Three faults that may be hidden: 3 (scatters), 8 (no row tells it from 10) and 10.
const BLIND = { ...GIVEN, hidden: [3, 8, 10], why: { 3: 'It scatters.', 8: 'No.', 10: 'Nothing shows.' } };

test('rows come as texts of their own', () => {
  assert.deepEqual(read('{"kept": [0], "rows": {"own": "[[1,2]]"}}').rows.own, [[1, 2]]);
});

test('of a hidden fault only that is seen for which the reader asked', () => {
  const none = blind(10, [], BLIND);
  assert.deepEqual([none.path, none.panel, none.marks.new, none.words.ratio], ['', '?', [], '?']);
  const some = blind(10, ['new', 'loss'], BLIND);
  assert.deepEqual([some.panel, some.marks.new, some.marks.own], ['', [99, 99], []]);
  assert.deepEqual([some.words.loss, some.words.printed], ['0.26 \u2192 0.046', '?']);
});

test('what tells two faults apart is more than the last digit', () => {
  const rows = ['loss', 'printed', 'new', 'own', 'cosine', 'ratio'];
  assert.deepEqual(telling(8, 10, rows, BLIND), []);
  assert.deepEqual(telling(3, 10, rows, BLIND), rows);
  const near = { ...GIVEN, rows: { ...GIVEN.rows, new: [[90, 99], [60, 99], [55, 85], [40, 85]] } };
  assert.deepEqual(telling(3, 10, ['new'], near), []); // ranges that overlap
});

test('a verdict says why, by what was asked for', () => {
  assert.equal(verdict(3, 3, [], BLIND), 'Ask for a reading first.');
  assert.equal(verdict(3, 3, ['ratio'], BLIND), 'Right, it is 3. It scatters.');
  assert.match(verdict(10, 10, ['ratio'], BLIND), /^Right, it is 10\. Nothing shows\. But with 8, .* the same\.$/);
  assert.match(verdict(8, 10, ['loss'], BLIND), /^Not 8, but with 8 .* the same\. Ask for more\.$/);
  assert.equal(
    verdict(10, 3, ['ratio'], BLIND),
    'Not 10: \u201cratio\u201d would then read 1.00, and it reads 1.60 to 63.',
  );
});

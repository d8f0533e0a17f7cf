// The step-through figure's own arithmetic: which frame comes next, and what it says.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { destination, view } from '../../code/backprop/book/figures/stepper.js';

const FRAMES = [
  { name: 'Frame 1 of 3', caption: 'Inputs.' },
  { name: 'Frame 2 of 3', caption: 'Step 1: forward.' },
  { name: 'Frame 3 of 3', caption: 'Back.' },
];

test('keys lead one on or back, and never beyond the ends', () => {
  assert.equal(destination('ArrowRight', 0, 2), 1);
  assert.equal(destination('ArrowRight', 2, 2), 2);
  assert.equal(destination('ArrowLeft', 1, 2), 0);
  assert.equal(destination('ArrowLeft', 0, 2), 0);
  assert.equal(destination('Home', 2, 2), 0);
  assert.equal(destination('End', 0, 2), 2);
});

test('other keys keep their meaning, names of every object included', () => {
  for (const key of ['a', 'Tab', 'ArrowUp', 'toString', 'constructor']) {
    assert.equal(destination(key, 1, 2), null);
  }
});

test('a frame says its name, then its caption', () => {
  assert.deepEqual(view(1, FRAMES), {
    now: 1,
    name: 'Frame 2 of 3',
    words: 'Frame 2 of 3. Step 1: forward.',
    atStart: false,
    atEnd: false,
  });
});

test('a frame beyond the ends is the one at the end', () => {
  assert.deepEqual([view(-1, FRAMES).now, view(-1, FRAMES).atStart], [0, true]);
  assert.deepEqual([view(9, FRAMES).now, view(9, FRAMES).atEnd], [2, true]);
  const alone = view(0, FRAMES.slice(0, 1));
  assert.deepEqual([alone.atStart, alone.atEnd], [true, true]);
});

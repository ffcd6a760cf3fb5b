import { describe, expect, it } from 'vitest';
import {
  chooseClasses,
  gridClasses,
  nameClasses,
  trainedClasses,
} from '../../src/sampling/choose-classes.ts';

describe('chooseClasses', () => {
  const classes = ['Animals & Nature', 'Flags', 'Food & Drink'];

  it('takes names in any case, parts of one name, indices and all', () => {
    expect(chooseClasses('food & drink', { classes })).toEqual([2]);
    expect(chooseClasses('nature', { classes })).toEqual([0]);
    expect(chooseClasses('1', { classes })).toEqual([1]);
    expect(chooseClasses('all', { classes })).toEqual([0, 1, 2]);
  });

  it('names the nearest class', () => {
    expect(() => chooseClasses('Flag5', { classes })).toThrow('no class "Flag5": the nearest is "Flags"');
    expect(() => chooseClasses('~', { classes })).toThrow('no class "~"');
    expect(() => chooseClasses('', { classes })).toThrow('no class ""');
    expect(() => chooseClasses('3', { classes })).toThrow('indices go from 0 to 2');
  });

  it('takes an exact name before an index: folders 0 to 11 sorted as text', () => {
    const folders = Array.from({ length: 12 }, (_, i) => String(i)).sort();
    for (const name of folders)
      expect(folders[chooseClasses(name, { classes: folders })[0] as number]).toBe(name);
    expect(nameClasses(chooseClasses('10', { classes: folders }), folders)).toBe('class 2 ("10")');
  });

  it('takes an index before a part of a name: 443 is in n02443114', () => {
    const synsets = Array.from({ length: 1000 }, (_, i) => `n0${2_000_000 + 443 * i}`);
    for (const index of [0, 7, 443, 999])
      expect(chooseClasses(`${index}`, { classes: synsets })).toEqual([index]);
  });

  it('refuses what has several readings, and says which', () => {
    expect(() => chooseClasses('&', { classes })).toThrow(
      'Class "&" has 2 readings: 0 ("Animals & Nature"), 2 ("Food & Drink"); name one in full, or its index.',
    );
    expect(() => chooseClasses('crane', { classes: ['crane', 'dog', 'crane'] })).toThrow(
      'Class "crane" has 2 readings: 0 ("crane"), 2 ("crane")',
    );
    expect(() => chooseClasses('CAT', { classes: ['Cat', 'cat'] })).toThrow('0 ("Cat"), 1 ("cat")');
    expect(chooseClasses('cat', { classes: ['Cat', 'cat'] })).toEqual([1]);
    const named = ['all', 'cat'];
    expect(() => chooseClasses('all', { classes: named })).toThrow(
      'Class "all" has two readings: every class, or 0 ("all"); write * or 0.',
    );
    expect(chooseClasses('*', { classes: named })).toEqual([0, 1]);
    expect(chooseClasses('all', { classes: ['all'] })).toEqual([0]);
  });

  it('leaves out classes without an image, unless they are named', () => {
    const table = { classes: ['cat', 'dog', 'emu'], counts: [3, 0, 5] };
    expect(trainedClasses(table)).toEqual([0, 2]);
    expect(chooseClasses('all', table)).toEqual([0, 2]);
    expect(chooseClasses('dog', table)).toEqual([1]);
  });
});

describe('gridClasses', () => {
  const classes = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
  const grid = (wanted: Parameters<typeof gridClasses>[0]['classes'], counts?: readonly number[]): number[] =>
    gridClasses({ classes: wanted }, { classes, ...(counts && { counts }) });

  it('spreads a number of classes over the list, both ends among them', () => {
    expect(grid(8)).toEqual([0, 143, 285, 428, 571, 714, 856, 999]);
    expect(grid(1)).toEqual([0]);
    expect(grid(5000)).toHaveLength(1000);
    expect(grid('all')).toHaveLength(1000);
  });

  it('takes names and indices in their order', () => {
    expect(grid(['class 7', 5, '12'])).toEqual([7, 5, 12]);
    expect(() => grid([1000])).toThrow('there is no class of index 1000, indices go from 0 to 999');
    expect(() => grid(['cloud'])).toThrow('There is no class "cloud"');
  });

  it('leaves out classes without an image', () => {
    const counts = classes.map((_, i) => (i % 100 === 50 ? 4 : 0));
    expect(grid(8, counts)).toEqual([50, 150, 350, 450, 550, 650, 850, 950]);
    expect(grid('all', counts)).toHaveLength(10);
    expect(grid([3], counts)).toEqual([3]);
  });
});

/** A draw while it is set up: what it lacks, what is sent, and what a template gives back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, draftOf, fresh, missing, planOf } from "../../gateway/web/cards/draw/plan";

const FULL: Draft = {
  ...fresh("Shop", "drand", "JPY", "First prize"),
  title: " Friday draw ",
  tiers: [{ tier: "First prize", name: "Bike", quantity: "2", value: "1999" }, { tier: "Second prize", name: "Bell", quantity: "10", value: "9" }],
};

test("a fresh form lacks a name and prizes, a full one nothing", () => {
  assert.deepEqual(missing(fresh("Shop", "drand", "EUR", "First prize")), ["title", "prizes"]);
  assert.deepEqual(missing(FULL), []);
});

test("each thing that is missing is named", () => {
  const lacks = (changes: Partial<Draft>) => missing({ ...FULL, ...changes });
  assert.deepEqual(lacks({ entry: "password", password: " " }), ["password"]);
  assert.deepEqual(lacks({ organiser: " ", currency: "eur" }), ["currency", "organiser"]);
  for (const seconds of ["29", "301", "", "60.5"]) assert.deepEqual(lacks({ seconds }), ["length"], seconds);
  for (const seconds of ["30", "300"]) assert.deepEqual(lacks({ seconds }), [], seconds);
  assert.deepEqual(lacks({ seconds: "", byHand: true }), []);
});

test("buyers are favoured only by who confirms that the law allows it, and a template asks anew", () => {
  for (const favour of [{ bought: true }, { extraBought: "1" }]) {
    assert.deepEqual(missing({ ...FULL, ...favour }), ["law"]);
    const allowed = { ...FULL, ...favour, law: true };
    assert.deepEqual(missing(allowed), []);
    assert.equal(planOf(allowed).law_read, true);
    assert.deepEqual(missing(draftOf(planOf(allowed))), ["law"]);
  }
  assert.equal(planOf({ ...FULL, law: true }).law_read, false);
});

test("values are sent in the smallest unit of their currency", () => {
  assert.deepEqual(planOf(FULL).prizes.map(({ value, exponent, quantity }) => [value, exponent, quantity]), [[1999, 0, 2], [9, 0, 10]]);
  assert.deepEqual(planOf({ ...FULL, currency: "EUR", tiers: [{ tier: "One", name: "Cup", quantity: "1", value: "19.99" }] }).prizes.map(({ value }) => value), [1999]);
});

test("what a template keeps comes back into the form", () => {
  const all: Draft = {
    ...FULL, title: "Friday draw", entry: "password", password: "红包", commented: true, team: true, watched: "90", byHand: true, extraCommented: "2", extraTeam: "3",
    extraWatched: "4", watchedStep: "30", watchedMost: "7", exclude: "5", terms: "https://shop.example/terms", region: "Poland", age: "21", days: "14", beacon: "cohosts",
  };
  assert.deepEqual(draftOf(planOf(all)), all);
});

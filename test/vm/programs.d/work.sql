-- SPDX-License-Identifier: MIT
-- A little of everything, in a file: insert, update, delete, join, aggregate, window, roll back, search, check.
CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER, score REAL, note BLOB);
CREATE INDEX person_name ON person(name);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
INSERT INTO person SELECT i, printf('name%05d', i * 7919 % 10007), i * 31 % 97, i / 7.0, zeroblob(i % 20) FROM n;
COMMIT;
SELECT count(*), sum(age), round(sum(score), 3), min(name), max(name) FROM person;
UPDATE person SET score = score * 2, note = hex(name) WHERE age % 5 = 0;
DELETE FROM person WHERE id % 13 = 0;
SELECT age, count(*), round(avg(score), 4) FROM person WHERE id < 100 GROUP BY age ORDER BY 2 DESC, 1 LIMIT 5;
CREATE TABLE visit(person INTEGER REFERENCES person(id), day TEXT);
INSERT INTO visit SELECT id, date('2020-01-01', '+' || (id % 365) || ' days') FROM person WHERE id % 3 = 0;
SELECT strftime('%m', day) AS month, count(*) FROM visit JOIN person ON person = id GROUP BY month ORDER BY month;
SELECT name, rank() OVER (PARTITION BY age ORDER BY score DESC) AS r, age FROM person WHERE age < 3 ORDER BY age, r;
SAVEPOINT before;
DELETE FROM visit;
ROLLBACK TO before;
RELEASE before;
SELECT count(*) FROM visit;
CREATE VIRTUAL TABLE words USING fts4(text);
INSERT INTO words SELECT name || ' is ' || age || ' years' FROM person LIMIT 20;
SELECT count(*) FROM words WHERE words MATCH '42 years';
PRAGMA integrity_check;

"""The dialect words."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.storage.dialect import sqlite_sql


class SQLiteWordsTests(SynchronousTestCase):
    def test_words_are_replaced(self) -> None:
        self.assertEqual(
            sqlite_sql("create table t(id {pk}, body {blob})"),
            "create table t(id integer primary key autoincrement, body blob)",
        )
        self.assertEqual(sqlite_sql("select 1 {skip}"), "select 1 ")

    def test_other_braces_stay(self) -> None:
        for sql in ("select '{}'", "select '{other}'", """select '{"a": {"b": 1}}'"""):
            self.assertEqual(sqlite_sql(sql), sql)

    def test_only_the_first_word_is_judged(self) -> None:
        for sql in ("select 'commit'", "ending", "delete from beginnings"):
            self.assertEqual(sqlite_sql(sql), sql)
        for sql in ("COMMIT", "\n end", "pragma x", "vacuum", "ROLLBACK to s"):
            self.assertRaises(ValueError, sqlite_sql, sql)

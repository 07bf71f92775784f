"""Tests of an upstream's own words."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.words import (
    error_labels,
    error_words,
    kind_of_labels,
    reason_of_labels,
)


class WordsTests(SynchronousTestCase):
    """An upstream's own words."""

    def test_table(self) -> None:
        for body, words in [
            (b'{"error":{"message":"No such model","type":"x","code":null}}', "No such model"),
            (b'{"error":"model not found"}', "model not found"),
            (b'{"message":"Forbidden"}', "Forbidden"),
            (b'{"detail":[{"loc":["body"],"msg":"field required"}]}', "field required"),
            (b'[{"error":{"code":400,"message":"bad"}}]', "bad"),
            (b'{"error":{"code":"invalid_key"}}', "invalid_key"),
            (b'{"error":{"message":"two\\nlines"}}', "two lines"),
            (b"plain words", "plain words"),
            (b"<html><body>502</body></html>", ""),
            (b"{}", ""),
            (b"", ""),
            (b'{"error":{"message":{"message":{"message":{"message":"deep"}}}}}', ""),
            (b"[" * 100_000, "[" * 100_000),
        ]:
            self.assertEqual(error_words(body), words, body)

    def test_labels(self) -> None:
        for body, kind, reason in [
            (b'{"error":{"type":"overloaded_error"}}', "overloaded", ""),
            (b'{"type":"error","error":{"type":"rate_limit_error"}}', "rate_limit", ""),
            (b'{"error":{"code":"insufficient_quota","type":"x"}}', "rate_limit", "billing"),
            (b'{"code":"model_not_found"}', "", "model_not_found"),
            (b'{"error":"text"}', "", ""),
            (b'{"error":{"code":500,"type":null}}', "", ""),
            (b"[]", "", ""),
            (b"nonsense", "", ""),
        ]:
            labels = error_labels(body)
            self.assertEqual((kind_of_labels(labels), reason_of_labels(labels)), (kind, reason))

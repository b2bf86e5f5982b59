"""The suites as pytest files on DeepEval's datasets and `assert_test`: `LLM_URL=... DOMAIN=... pytest evaluation/checks`."""

"""The pages over all results: boards, systems, scores, and the reader's tools."""

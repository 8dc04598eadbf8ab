"""The benchmarks: each figure beside a reference that is measured in the same run, since machines differ and drift."""

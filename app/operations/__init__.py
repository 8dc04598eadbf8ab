"""Operations: long work that a caller starts, watches, and fetches the files of."""

//! Data sets out: Parquet, JSON Lines, the article's CSV.

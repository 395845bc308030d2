SELECT keep_span_out_of_rest(:least, :limit)

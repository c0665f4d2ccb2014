    // Vectors.
    integer added, word;

    task add_query;
        input [31:0] idle_cycles, refuse_cycles;
        input starts_sequence, writes_column;
        input [TILE_BITS-1:0] to_tile;
        input [COLUMN_BITS-1:0] to_column;
        input [TOKEN_BITS-1:0] offered;
        input [RESULT_BITS-1:0] answer;
        begin
            added = added + 1;
            idle[added] = idle_cycles;
            refuse[added] = refuse_cycles;
            starts[added] = starts_sequence;
            writes[added] = writes_column;
            place[added] = {to_column, to_tile};
            token[added] = offered;
            y[added] = answer;
        end
    endtask

    // Of the query added last; sub-tiles that are not mentioned read zero.
    task add_codes;
        input integer of_tile;
        input [TILE_CODE_BITS-1:0] read;
        code[added*TILES+of_tile] = read;
    endtask

    // One more token of the sequence, at a position in it. Its sub-tiles read zero.
    task add_filler;
        input [31:0] position;
        reg [31:0] slot;
        reg [TOKEN_BITS-1:0] offered;
        begin
            slot = position < SINK ? WINDOW + position : position % WINDOW;
            offered = ~{token[added], token[added]} >> 7;
            offered[TOKEN_FIRST] = 0;
            offered[TOKEN_FURTHER] = 0;
            add_query(0, 0, 1'b0, 1'b1, slot / COLUMNS, slot % COLUMNS, offered, 0);
        end
    endtask

    initial begin
        added = -1;
        for (word = 0; word < QUERIES*TILES; word = word + 1) code[word] = 0;
//{queries}
        for (word = FILL - FILLERS; word < FILL; word = word + 1) add_filler(word);
    end

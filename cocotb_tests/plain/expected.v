    // What the wires to the arrays do in this cycle. A query's age is counted from its launch, and
    // every phase comes at its age.
    function during;
        input integer age, start, stop;
        during = age >= start && age < stop;
    endfunction

    integer launched [0:QUERIES-1];
    integer oldest, n, age, clear_age, flip, k_writer, v_writer;
    reg k_clearing, v_clearing;
    reg [BANKS-1:0] bank;
    reg [BANKS-1:0] in_k_reset, in_qk, in_v_reset, in_av, in_out;
    reg [D-1:0] pulses;
    integer d;

    // What the cells hold: of each column its codes, and whether these are a token's.
    reg [CODES_BITS-1:0] cells [0:PLACES-1];
    reg [PLACES-1:0] holds;

    task look_at_queries;
        begin
            k_writer = -1;
            v_writer = -1;
            k_clearing = 0;
            v_clearing = 0;
            in_k_reset = 0;
            in_qk = 0;
            in_v_reset = 0;
            in_av = 0;
            in_out = 0;
            pulses = 0;
            if (oldest < accepted && cycle >= launched[oldest] + OUT_END) oldest = oldest + 1;
            for (n = oldest; n < accepted; n = n + 1) begin
                age = cycle - launched[n];
                clear_age = starts[n] ? age + CLEAR_CYCLES : -1;
                if (during(clear_age, K_WRITE_START, K_WRITE_END)) k_clearing = 1;
                if (during(clear_age, V_WRITE_START, V_WRITE_END)) v_clearing = 1;
                if (clear_age == K_WRITE_START) holds = 0;
                if (writes[n]) begin
                    if (during(age, K_WRITE_START, K_WRITE_END)) k_writer = n;
                    if (during(age, V_WRITE_START, V_WRITE_END)) v_writer = n;
                    if (age == K_WRITE_START) begin
                        cells[place[n]] =
                            {token[n][TOKEN_V+:D*VALUE_BITS], token[n][TOKEN_K+:D*KEY_BITS]};
                        holds[place[n]] = 1;
                    end
                end
                // Integrators alternate; which one is the first after reset does not matter.
                if (n == 0 && age == K_RESET_START) flip = k_reset[0] === 1'b1 ? 0 : 1;
                bank = 1;
                if ((n + flip) % BANKS != 0) bank = bank << 1;
                if (during(age, K_RESET_START, K_RESET_END)) in_k_reset = in_k_reset | bank;
                if (during(age, V_RESET_START, V_RESET_END)) in_v_reset = in_v_reset | bank;
                if (during(age, AV_START, AV_END)) in_av = in_av | bank;
                if (during(age, OUT_START, OUT_END)) in_out = in_out | bank;
                if (during(age, QK_START, QK_END)) begin
                    in_qk = in_qk | bank;
                    for (d = 0; d < D; d = d + 1)
                        pulses[d] = age - QK_START
                            < STEP_CYCLES * token[n][TOKEN_Q+d*QUERY_BITS+:QUERY_BITS];
                end
            end
        end
    endtask

    // The head chooses when to refresh. A K write that belongs to no query begins a refresh; from
    // then on its cycles are as exact as a query's. It writes the codes of the cells, or 0 where
    // they hold no token.
    integer refresh_age;
    reg refreshing, k_refreshing, v_refreshing;
    reg [PLACE_BITS-1:0] refresh_place;
    reg [CODES_BITS-1:0] refresh_codes;
    reg refresh_data;
    reg [COUNTER_BITS-1:0] rewrites, blanks;

    task look_at_refresh;
        begin
            if (refreshing) refresh_age = refresh_age + 1;
            if (refreshing && refresh_age == V_WRITE_END) begin
                refreshing = 0;
                if (refresh_data) rewrites = rewrites + 1;
                else blanks = blanks + 1;
            end
            if (REFRESH && !refreshing && k_enable === 1'b1 && k_writer < 0 && !k_clearing) begin
                refreshing = 1;
                refresh_age = K_WRITE_START;
                refresh_place = {k_column, k_tile};
                refresh_data = holds[refresh_place] === 1'b1;
                refresh_codes = refresh_data ? cells[refresh_place] : 0;
            end
            k_refreshing = refreshing && during(refresh_age, K_WRITE_START, K_WRITE_END);
            v_refreshing = refreshing && during(refresh_age, V_WRITE_START, V_WRITE_END);
        end
    endtask

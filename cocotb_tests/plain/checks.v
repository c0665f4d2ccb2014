    // Checks, in every cycle. Each kind of error gets a few lines, the rest is counted.
    localparam LINES = 3;
    localparam K_WRITE = 0, V_WRITE = 1, ENABLE = 2, PULSE = 3, ARRAYS = 4, READY = 5, LATENCY = 6,
        HELD = 7, OUTPUT = 8, REQUEST = 9, STATUS = 10, STUCK = 11, WATCH = 12,
        BEATS = 13, CHECKS = 14;

    integer errors, told [0:CHECKS-1];
    reg tell;

    task wrong;
        input integer check;
        begin
            errors = errors + 1;
            told[check] = told[check] + 1;
            tell = told[check] <= LINES;
            if (tell) $write("cycle %0d%0s: ", cycle, again ? "" : " of the run before the reset");
        end
    endtask

    // One write port; codes from bit 0 upwards.
    task check_write;
        input v, enable, broadcast;
        input [PLACE_BITS-1:0] at;
        input [CODES_BITS-1:0] seen;
        input integer writer;
        input clears, refreshes;
        reg [8*7:1] what;
        reg [PLACE_BITS-1:0] wanted_at;
        reg [CODES_BITS-1:0] wanted;
        begin
            what = clears ? "clear" : refreshes ? "refresh" : "write";
            wanted_at = refreshes ? refresh_place : 0;
            wanted = refreshes ? refresh_codes : 0;
            if (writer >= 0) begin
                wanted_at = place[writer];
                wanted = {token[writer][TOKEN_V+:D*VALUE_BITS], token[writer][TOKEN_K+:D*KEY_BITS]};
            end
            wanted = v ? wanted >> D*KEY_BITS : wanted & {D*KEY_BITS{1'b1}};
            if (enable !== (writer >= 0 || clears || refreshes)) begin
                wrong(v ? V_WRITE : K_WRITE);
                if (tell) $display("%s %0s enable is %b, expected %b",
                    v ? "V" : "K", what, enable, ~enable);
            end else if (enable) begin
                if (broadcast !== clears) begin
                    wrong(v ? V_WRITE : K_WRITE);
                    if (tell) $display("%s %0s has broadcast %b", v ? "V" : "K", what, broadcast);
                end
                if (!clears && at !== wanted_at) begin
                    wrong(v ? V_WRITE : K_WRITE);
                    if (tell)
                        $display("%s %0s goes to sub-tile %0d, column %0d, but should go to %0d, %0d",
                            v ? "V" : "K", what, at[TILE_BITS-1:0], at[TILE_BITS+:COLUMN_BITS],
                            wanted_at[TILE_BITS-1:0], wanted_at[TILE_BITS+:COLUMN_BITS]);
                end
                if (seen !== wanted) begin
                    wrong(v ? V_WRITE : K_WRITE);
                    if (tell)
                        $display("%s %0s has codes %h, expected %h", v ? "V" : "K", what, seen, wanted);
                end
            end
        end
    endtask

    task check_enable;
        input [8*11:1] name;
        input [BANKS-1:0] seen, wanted;
        if (seen !== wanted) begin
            wrong(ENABLE);
            if (tell) $display("%0s is %b, expected %b", name, seen, wanted);
        end
    endtask

    task check_arrays;
        begin
            check_write(0, k_enable, k_broadcast, {k_column, k_tile}, k_code,
                k_writer, k_clearing, k_refreshing);
            check_write(1, v_enable, v_broadcast, {v_column, v_tile}, v_code,
                v_writer, v_clearing, v_refreshing);
            check_enable("k_reset", k_reset, in_k_reset);
            check_enable("k_integrate", k_integrate, in_qk);
            check_enable("k_convert", k_convert, in_av);
            check_enable("v_reset", v_reset, in_v_reset);
            check_enable("v_integrate", v_integrate, in_av);
            check_enable("v_convert", v_convert, in_out);
            if (query !== pulses) begin
                wrong(PULSE);
                if (tell) $display("query pulses are %b, expected %b", query, pulses);
            end
            if ((k_enable & |k_integrate) === 1'b1) begin
                wrong(ARRAYS);
                if (tell) $display("the K array is written while it is read");
            end
            if ((v_enable & |v_integrate) === 1'b1) begin
                wrong(ARRAYS);
                if (tell) $display("the V array is written while it is read");
            end
        end
    endtask

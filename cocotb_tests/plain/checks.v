    // Checks, in every cycle. Each kind of error gets a few lines, the rest is counted.
    localparam LINES = 3;
    localparam K_WRITE = 0, V_WRITE = 1, ENABLE = 2, PULSE = 3, ARRAYS = 4, READY = 5, LATENCY = 6,
        HELD = 7, OUTPUT = 8, REQUEST = 9, STATUS = 10, STUCK = 11, WATCH = 12,
        CHECKS = 13;

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

    // A query enters at the initiation interval or later, while there is a place for its result.
    // It may wait longer only for one refresh write, which must show within EXCUSE cycles.
    localparam EXCUSE = REFRESH ? K_WRITE_START + 4 : 0;
    integer gap, owed, kept_out, excused_until;

    task check_token;
        begin
            gap = accepted == 0 ? INTERVAL_CYCLES : cycle - launched[accepted-1];
            owed = accepted - delivered;
            if ((token_ready ^ token_ready) !== 1'b0) begin
                wrong(READY);
                if (tell) $display("token_ready is %b", token_ready);
            end
            if (take && gap < INTERVAL_CYCLES) begin
                wrong(READY);
                if (tell) $display("query %0d accepted after %0d cycles, expected %0d or more",
                    accepted, gap, INTERVAL_CYCLES);
            end
            if (take && owed >= RESULT_PLACES) begin
                wrong(READY);
                if (tell) $display("query %0d accepted while %0d results wait", accepted, owed);
            end
            kept_out = kept_out + 1;
            if (!token_valid || token_ready || gap < INTERVAL_CYCLES || owed >= RESULT_PLACES)
                kept_out = 0;
            if (refreshing) excused_until = -1;
            else if (kept_out > 0 && excused_until < 0) excused_until = cycle + EXCUSE;
            if (kept_out > CLEAR_CYCLES + 3 || excused_until >= 0 && cycle >= excused_until) begin
                wrong(READY);
                if (tell) $display("query %0d is kept out without a reason", accepted);
                excused_until = -1;
            end
        end
    endtask

    // A result is valid after the latency, or in the cycle after the one before it was taken.
    integer taken_at, refused_cycles;
    reg result_due, was_refused;
    reg [RESULT_BITS-1:0] shown;
    reg signed [RESULT_WIDTH-1:0] output_seen, output_wanted;

    task check_result;
        begin
            result_due = 0;
            if (delivered < accepted)
                result_due = cycle >= launched[delivered] + LATENCY_CYCLES && cycle > taken_at;
            if (result_valid !== result_due) begin
                wrong(LATENCY);
                if (tell) $display("result_valid is %b, expected %b, latency of query %0d is %0d",
                    result_valid, result_due, delivered, LATENCY_CYCLES);
            end
            if (result_valid === 1'b1 && was_refused && result_payload !== shown) begin
                wrong(HELD);
                if (tell) $display("the result of query %0d changed while refused", delivered);
            end
            if (result_valid === 1'b1 && !was_refused && delivered < QUERIES)
                for (d = 0; d < D; d = d + 1) begin
                    output_seen = result_payload[d*RESULT_WIDTH+:RESULT_WIDTH];
                    output_wanted = y[delivered][d*RESULT_WIDTH+:RESULT_WIDTH];
                    if (output_seen !== output_wanted) begin
                        wrong(OUTPUT);
                        if (tell) $display("output %0d of query %0d is %0d, expected %0d",
                            d, delivered, output_seen, output_wanted);
                    end
                end
            was_refused = result_valid === 1'b1 && !result_ready;
            shown = result_payload;
            refused_cycles = refused_cycles + was_refused;
            if (result_valid === 1'b1 && result_ready) taken_at = cycle;
        end
    endtask

    // A requested column must hold a token. It may also have held one in the cycle before the
    // request shows: a sequence that starts in that cycle does not withdraw the request.
    reg [PLACES-1:0] copied, copied_before;
    reg was_requested;

    task check_request;
        begin
            if (request_valid !== 1'b0 && !was_requested && (!REFRESH || request_valid !== 1'b1
                || (copied[request_payload[PLACE_BITS-1:0]] !== 1'b1
                    && copied_before[request_payload[PLACE_BITS-1:0]] !== 1'b1))) begin
                wrong(REQUEST);
                if (tell) $display("refresh_request_valid is %b for sub-tile %0d, column %0d",
                    request_valid, request_payload[TILE_BITS-1:0],
                    request_payload[TILE_BITS+:COLUMN_BITS]);
            end
            was_requested = request_valid === 1'b1 && !request_ready;
            copied_before = copied;
            if (take && starts[accepted]) copied = 0;
            if (take && writes[accepted]) copied[place[accepted]] = 1;
        end
    endtask

    // What the watch on the columns and on the status found first.
    reg watch_told;

    task check_watch;
        if (fault != 0 && !watch_told) begin
            watch_told = 1;
            wrong(WATCH);
            case (fault)
//{faults}
            endcase
        end
    endtask

    // While nothing happens and nothing is due, there is nothing to check.
    wire quiet = accepted == delivered && oldest == accepted && !refreshing && fault == 0
        && {token_valid, result_valid, request_valid, k_enable, v_enable} === 5'd0
        && {k_reset, k_integrate, k_convert, v_reset, v_integrate, v_convert} === {6*BANKS{1'b0}}
        && query === {D{1'b0}} && !was_requested && (token_ready ^ token_ready) === 1'b0;

    // The run ends when every query is answered and no result can follow, or when the head stops.
    integer stuck, drained, check_index;

    task finish;
        begin
            if (fill !== LAST_FILL || dropped !== 0 || (!refreshing && refreshed !== rewrites)) begin
                wrong(STATUS);
                if (tell) $display(
                    "status: %0d filled, %0d refreshed, %0d dropped; expected %0d, %0d, 0",
                    fill, refreshed, dropped, LAST_FILL, rewrites);
            end
            if (REFRESH && !timed && rewrites < REFRESHES) begin
                wrong(STATUS);
                if (tell) $display("%0d columns were refreshed within the bound, expected %0d",
                    rewrites, REFRESHES);
            end
            if (errors == 0) begin
                $display("%0d columns refreshed, %0d empty ones cleared again", rewrites, blanks);
                $display("results refused for %0d of %0d cycles", refused_cycles, cycle);
                $display(
                    "PASS: %0d outputs of %0d queries, their latencies, all wires to the arrays",
                    QUERIES * D, QUERIES);
                $finish;
            end else begin
                $display("FAIL: %0d errors", errors);
                $fatal(1, "FAIL");
            end
        end
    endtask

    always @(posedge clk) begin
        if (rst) begin
            oldest = 0;
            flip = 0;
            holds = 0;
            copied = 0;
            copied_before = 0;
            was_requested = 0;
            refreshing = 0;
            rewrites = 0;
            blanks = 0;
            kept_out = 0;
            excused_until = -1;
            taken_at = -1;
            was_refused = 0;
            refused_cycles = 0;
            stuck = 0;
            drained = 0;
        end else begin
            if (!quiet) begin
                look_at_queries;
                look_at_refresh;
                check_arrays;
                check_token;
                check_result;
                check_request;
                check_watch;
            end
            if (take) launched[accepted] = cycle + (starts[accepted] ? CLEAR_CYCLES : 0);
            stuck = held_back || take || (result_valid & result_ready) === 1'b1 ? 0 : stuck + 1;
            if (delivered >= QUERIES) drained = drained + 1;
            if (again && delivered < QUERIES && stuck > PATIENCE) begin
                wrong(STUCK);
                if (tell) $display("%0d queries accepted, %0d answered, and nothing happens",
                    accepted, delivered);
                finish;
            end
            if (again && drained > PATIENCE) finish;
        end
    end

    initial begin
        errors = 0;
        watch_told = 0;
        for (check_index = 0; check_index < CHECKS; check_index = check_index + 1)
            told[check_index] = 0;
    end

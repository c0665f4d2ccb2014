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
        && {token_valid, token_waits, result_valid, head_result_valid} === 4'd0
        && {request_valid, k_enable, v_enable, token_broken, result_broken, response_broken} === 6'd0
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
            answered = 0;
            beats_show = 0;
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
                check_beats;
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
        beats_told = 0;
        for (check_index = 0; check_index < CHECKS; check_index = check_index + 1)
            told[check_index] = 0;
    end

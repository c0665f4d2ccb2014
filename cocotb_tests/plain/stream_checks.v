    // Checks of the streams, in every cycle.

    // A query enters at the initiation interval or later, while there is a place for its result.
    // It may wait longer only for one refresh write, which must show within EXCUSE cycles.
    localparam EXCUSE = REFRESH ? K_WRITE_START + 4 : 0;
    integer gap, owed, kept_out, excused_until;

    task check_token;
        begin
            gap = accepted == 0 ? INTERVAL_CYCLES : cycle - launched[accepted-1];
            owed = accepted - answered;
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
            if (!token_waits || token_ready || gap < INTERVAL_CYCLES || owed >= RESULT_PLACES)
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

    // A result is due after the latency, or in the cycle after the one before it was answered. It is
    // valid then, and answered when it is taken. In beats it is answered when no beats of the one before
    // are left, and its own show from the next cycle on.
    integer answered, taken_at, refused_cycles;
    reg result_due, result_shows, answers, beats_show, beats_end, was_refused;
    reg [RESULT_BITS-1:0] shown;
    reg signed [RESULT_WIDTH-1:0] output_seen, output_wanted;

    task check_result;
        begin
            result_due = 0;
            if (answered < accepted)
                result_due = cycle >= launched[answered] + LATENCY_CYCLES && cycle > taken_at;
            result_shows = RESULT_BEAT ? beats_show : result_due;
            if (head_result_valid !== result_shows) begin
                wrong(LATENCY);
                if (tell) $display("result_valid is %b, expected %b, latency of query %0d is %0d",
                    head_result_valid, result_shows, delivered,
                    LATENCY_CYCLES + (RESULT_BEAT != 0));
            end
            beats_end = RESULT_BEAT
                && (head_result_valid & head_result_ready & head_result_payload[RESULT_BEAT]) === 1'b1;
            answers = RESULT_BEAT ? result_due && (!beats_show || beats_end)
                : (result_valid & result_ready) === 1'b1;
            beats_show = answers || beats_show && !beats_end;
            if (answers) taken_at = cycle;
            answered = answered + answers;
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
            refused_cycles = refused_cycles + (head_result_valid === 1'b1 && !head_result_ready);
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

    // What the ends of the streams in beats found first.
    reg [2:0] beats_told;

    task check_beats;
        begin
            if (token_broken && !beats_told[0]) begin
                wrong(BEATS);
                if (tell) $display("a beat of a token is refused while no token waits");
            end
            if (result_broken && !beats_told[1]) begin
                wrong(BEATS);
                if (tell) $display("%0s or its filling is wrong",
                    "a beat of a result changed while refused, or its mark of the last beat");
            end
            if (response_broken && !beats_told[2]) begin
                wrong(BEATS);
                if (tell) $display("a beat of a response is refused while no response waits");
            end
            beats_told = beats_told | {response_broken, result_broken, token_broken};
        end
    endtask

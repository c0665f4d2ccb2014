    // The streams at the head, in beats of so many bits, or whole if that is 0. A token or a response is
    // sent with its last beat. From the next cycle on it waits inside the head, which takes no beats then
    // but in the cycle in which it takes the payload.
    wire [(TOKEN_BEAT ? TOKEN_BEAT + 2 : TOKEN_BITS)-1:0] head_token_payload;
    wire [(RESULT_BEAT ? RESULT_BEAT + 1 : RESULT_BITS)-1:0] head_result_payload;
    wire [TAG_BITS+(REFRESH_BEAT ? REFRESH_BEAT : CODES_BITS)-1:0] head_response_payload;
    wire head_token_valid, head_result_valid, head_result_ready, head_response_valid;
    wire token_ready, token_sent, token_waits, response_ready, response_sent, response_waits;
    wire token_broken, result_broken, response_broken;
    wire [8:0] beat_pause = BEAT_PAUSE, refresh_pause = REFRESH_PAUSE;

    generate
        if (TOKEN_BEAT == 0) begin : whole_tokens
            assign head_token_payload = token_payload;
            assign head_token_valid = token_valid;
            assign token_sent = token_ready;
            assign token_waits = token_valid;
            assign token_broken = 0;
        end else begin : token_beats
            gaincell_head_tb_beat_source #(
                .DATA(TOKEN_FIRST), .SIDE(2), .BEAT(TOKEN_BEAT), .FEW(TOKEN_K)
            ) source (
                .clk(clk), .rst(rst), .seed(BEAT_SEED), .pause(beat_pause),
                .whole_payload(token_payload), .whole_few(!writes[sent]),
                .whole_valid(token_valid), .whole_ready(token_sent),
                .beat_payload(head_token_payload), .beat_valid(head_token_valid),
                .beat_ready(token_ready), .inside_valid(token_waits), .inside_ready(token_ready),
                .waits(token_waits), .broken(token_broken)
            );
        end
        if (RESULT_BEAT == 0) begin : whole_results
            assign result_payload = head_result_payload;
            assign result_valid = head_result_valid;
            assign head_result_ready = result_ready;
            assign result_broken = 0;
        end else begin : result_beats
            gaincell_head_tb_beat_sink #(.DATA(RESULT_BITS), .BEAT(RESULT_BEAT)) sink (
                .clk(clk), .rst(rst), .seed(~BEAT_SEED), .pause(beat_pause),
                .beat_payload(head_result_payload), .beat_valid(head_result_valid),
                .beat_ready(head_result_ready), .whole_payload(result_payload),
                .whole_valid(result_valid), .whole_ready(result_ready), .broken(result_broken)
            );
        end
        if (REFRESH_BEAT == 0) begin : whole_responses
            assign head_response_payload = response_payload;
            assign head_response_valid = response_valid;
            assign response_sent = response_ready;
            assign response_waits = response_valid;
            assign response_broken = 0;
        end else begin : response_beats
            gaincell_head_tb_beat_source #(
                .DATA(CODES_BITS), .SIDE(TAG_BITS), .BEAT(REFRESH_BEAT)
            ) source (
                .clk(clk), .rst(rst), .seed(2*BEAT_SEED+1), .pause(refresh_pause),
                .whole_payload(response_payload), .whole_few(1'b0),
                .whole_valid(response_valid), .whole_ready(response_sent),
                .beat_payload(head_response_payload), .beat_valid(head_response_valid),
                .beat_ready(response_ready), .inside_valid(response_waits),
                .inside_ready(response_ready), .waits(response_waits), .broken(response_broken)
            );
        end
    endgenerate

// Source and sink of a head's streams. Python sets the pace of each token with the token itself.
//
// At a falling edge, Python sets push_word and increments pushed; the word enters at the rising edge.
// From its highest bit, a word holds: the cycles for which its result is refused (stall), the cycles
// before its token is offered (idle), and the token. Between tokens the payload is unknown. While
// hold is high no token is offered. Reset drops the words that wait. Latencies count from accept, which
// comes once for each token that was taken, then or later.

module token_streams #(
    parameter TOKEN_WIDTH = 1,
    parameter RESULT_WIDTH = 1,
    parameter PACE_WIDTH = 16,
    parameter DEPTH_BITS = 4
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire                     hold,
    output reg  [TOKEN_WIDTH-1:0]   token_payload,
    output reg                      token_valid,
    input  wire                     token_ready,
    input  wire                     accept,
    input  wire [RESULT_WIDTH-1:0]  result_payload,
    input  wire                     result_valid,
    output wire                     result_ready,
    output reg  [31:0]              cycle,
    output reg  [31:0]              accepted,
    output reg  [31:0]              delivered,
    output reg                      unstable
);
    localparam DEPTH = 1 << DEPTH_BITS;

    reg [TOKEN_WIDTH+2*PACE_WIDTH-1:0] push_word;
    reg [31:0] pushed, taken_in;

    reg [TOKEN_WIDTH-1:0] tokens      [0:DEPTH-1];
    reg [PACE_WIDTH-1:0]  idles       [0:DEPTH-1];
    reg [PACE_WIDTH-1:0]  stalls      [0:DEPTH-1];
    reg [31:0]            accept_cycle[0:DEPTH-1];

    // One word per delivered result: latency, then payload.
    reg [RESULT_WIDTH+31:0] results [0:DEPTH-1];

    always @(posedge clk) begin
        if (rst) begin
            taken_in <= pushed;
        end else if (taken_in != pushed) begin
            tokens[taken_in[DEPTH_BITS-1:0]] <= push_word[TOKEN_WIDTH-1:0];
            idles [taken_in[DEPTH_BITS-1:0]] <= push_word[TOKEN_WIDTH+:PACE_WIDTH];
            stalls[taken_in[DEPTH_BITS-1:0]] <= push_word[TOKEN_WIDTH+PACE_WIDTH+:PACE_WIDTH];
            taken_in <= taken_in + 1;
        end
    end

    // Token source.
    // With repeat_forever the same words are offered again and again, to time the head alone.
    reg         repeat_forever;
    wire        take = token_valid & token_ready;
    wire [31:0] next = accepted + {31'd0, take};
    wire [DEPTH_BITS-1:0] next_index = next[DEPTH_BITS-1:0];
    wire        waiting = next != taken_in || repeat_forever;
    reg  [PACE_WIDTH-1:0] idled;

    always @(posedge clk) begin
        if (rst) begin
            accepted <= pushed;
            token_valid <= 0;
            idled <= 0;
        end else begin
            accepted <= next;
            if (take | ~token_valid) begin
                if (!hold && waiting && idled >= idles[next_index]) begin
                    token_valid <= 1;
                    token_payload <= tokens[next_index];
                    idled <= 0;
                end else begin
                    token_valid <= 0;
                    token_payload <= {TOKEN_WIDTH{1'bx}};
                    if (waiting) idled <= idled + 1;
                end
            end
        end
    end

    reg [31:0] launched;

    always @(posedge clk) begin
        if (rst) begin
            launched <= pushed;
        end else if (accept) begin
            accept_cycle[launched[DEPTH_BITS-1:0]] <= cycle;
            launched <= launched + 1;
        end
    end

    // Result sink.
    wire [DEPTH_BITS-1:0] result_index = delivered[DEPTH_BITS-1:0];
    reg  [PACE_WIDTH-1:0] stalled;
    reg  [RESULT_WIDTH-1:0] offered;

    assign result_ready = stalled >= stalls[result_index];

    always @(posedge clk) begin
        if (rst) begin
            delivered <= pushed;
            stalled <= 0;
            unstable <= 0;
        end else if (result_valid) begin
            if (stalled != 0 && offered != result_payload) unstable <= 1;
            if (result_ready) begin
                results[result_index] <= {
                    cycle - {{(32-PACE_WIDTH){1'b0}}, stalled} - accept_cycle[result_index],
                    result_payload
                };
                delivered <= delivered + 1;
                stalled <= 0;
            end else begin
                stalled <= stalled + 1;
                offered <= result_payload;
            end
        end else if (stalled != 0) begin
            unstable <= 1;
        end
    end

    always @(posedge clk) cycle <= cycle + 1;

    initial begin
        pushed = 0;
        repeat_forever = 0;
        taken_in = 0;
        accepted = 0;
        launched = 0;
        delivered = 0;
        token_valid = 0;
        idled = 0;
        stalled = 0;
        unstable = 0;
        cycle = 0;
    end
endmodule

// Collects beats to whole payloads, with random pauses before beats, and checks the rules of a stream.
//
// pause of 256 beats wait a cycle, and perhaps more. broken rises if a beat changes or vanishes while
// it is refused, if last is not with the last beat alone, or if bits beyond the data are not zero.

module beat_sink #(
    parameter DATA = 1,
    parameter BEAT = 1
) (
    input  wire            clk,
    input  wire            rst,
    input  wire [31:0]     seed,
    input  wire [8:0]      pause,
    input  wire [BEAT:0]   beat_payload,
    input  wire            beat_valid,
    output wire            beat_ready,
    output wire [DATA-1:0] whole_payload,
    output reg             whole_valid,
    input  wire            whole_ready,
    output reg             broken
);
    localparam BEATS = (DATA + BEAT - 1) / BEAT;

    reg [BEATS*BEAT-1:0] collected;
    reg [31:0] random, place;
    reg [BEAT:0] refused_payload;
    reg open, refused;

    wire [31:0] random_1 = random ^ (random << 13);
    wire [31:0] random_2 = random_1 ^ (random_1 >> 17);
    wire ends = place == BEATS - 1;
    wire take = beat_valid & beat_ready;
    wire [BEATS*BEAT:0] shown = {1'b0, collected};

    assign beat_ready = open & ~whole_valid;
    assign whole_payload = collected[DATA-1:0];

    always @(posedge clk) begin
        random <= rst ? seed : random_2 ^ (random_2 << 5);
        if (rst) begin
            place <= 0;
            open <= 0;
            whole_valid <= 0;
            refused <= 0;
            broken <= 0;
        end else begin
            refused <= beat_valid & ~beat_ready;
            refused_payload <= beat_payload;
            if (refused && (beat_valid !== 1'b1 || beat_payload !== refused_payload)) broken <= 1;
            if (take) begin
                if (beat_payload[BEAT] !== ends) broken <= 1;
                place <= ends ? 0 : place + 1;
                collected[place*BEAT+:BEAT] <= beat_payload[BEAT-1:0];
            end
            if (take & ends) whole_valid <= 1;
            else if (whole_ready) whole_valid <= 0;
            if (whole_valid && |(shown >> DATA)) broken <= 1;
            if (take | ~open) open <= {1'b0, random[15:8]} >= pause;
        end
    end
endmodule
